// Files of git's and ours that somebody has replaced by what is none: no command waits for them.
#include "tests/cli/program.hpp"
#include "tests/support/hang_guard.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

void make_pipe(const fs::path& path)
{
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0) << path;
}

void make_socket(const fs::path& path)
{
    const int made = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.string().copy(name.sun_path, sizeof name.sun_path - 1);
    ASSERT_EQ(::bind(made, reinterpret_cast<sockaddr*>(&name), sizeof name), 0) << path;
    ::close(made);
}

class Waiting : public testing::Test {
protected:
    Waiting()
    {
        d.graftline({"create", "Look", "--json"});
        id = std::string(d.graftline({"status", "--json"}).json().at("tasks").at(0).at("id").as_string());
    }
    fs::path in_git(const fs::path& name) const { return d.repository.top() / ".git" / name; }

    /// Every command refuses at once, naming the file.
    void expect_refused(const fs::path& file)
    {
        for (const std::vector<std::string>& words :
             std::vector<std::vector<std::string>>{{"status"},
                                                   {"run", "Try", "--", "true"},
                                                   {"land", id},
                                                   {"clean"},
                                                   {"discard", id},
                                                   {"commit", id, "-m", "x"},
                                                   {"diff", id},
                                                   {"logs", id},
                                                   {"check"},
                                                   {"retry", id}}) {
            const auto said = d.graftline(words);
            EXPECT_NE(said.status, 0) << words[0] << " with " << file;
            EXPECT_THAT(said.err, HasSubstr(file.string())) << words[0];
        }
        const auto seen = d.graftline({"doctor"});
        EXPECT_NE(seen.status, 0) << file;
        EXPECT_THAT(seen.out, HasSubstr(file.filename().string()));
    }
    /// `file` is something else for a while.
    void replace(const fs::path& file, const std::function<void(const fs::path&)>& make)
    {
        fs::create_directories(file.parent_path());
        const bool there = fs::exists(file);
        if (there) fs::rename(file, file.string() + ".aside");
        make(file);
        expect_refused(file);
        fs::remove_all(file);
        if (there) fs::rename(file.string() + ".aside", file);
    }

    desk d;
    std::string id;
};

TEST_F(Waiting, ForAPipeInGitsFolderIsRefused)
{
    for (const char* name : {"HEAD", "config", "index", "packed-refs", "shallow", "info/exclude",
                             "info/attributes", "info/grafts", "objects/info/alternates",
                             "objects/info/commit-graph", "objects/pack/multi-pack-index"})
        replace(in_git(name), make_pipe);
    EXPECT_EQ(d.graftline({"status"}).status, 0);
}

TEST_F(Waiting, ForAnythingElseIsRefusedToo)
{
    for (const char* name : {"info/exclude", "packed-refs"}) {
        replace(in_git(name), make_socket);
        replace(in_git(name), [](const fs::path& path) { fs::create_directory(path); });
        replace(in_git(name), [](const fs::path& path) { fs::create_symlink("/dev/tty", path); });
    }
    fs::remove(in_git("info/exclude"));
    fs::create_symlink("/dev/null", in_git("info/exclude"));
    EXPECT_EQ(d.graftline({"status"}).status, 0) << "which is as good as an empty file";
}

TEST_F(Waiting, ForWhatTheConfigurationNamesIsRefused)
{
    const auto pipe = d.repository.root() / "pipe";
    const auto included = d.repository.root() / "included";
    make_pipe(pipe);
    const auto configuration = d.repository.read(".git/config");
    for (const std::string text : {"[core]\n\texcludesFile = ", "[Core] AttributesFile = ",
                                   "[include]\n\tpath = ", "[includeIf \"onbranch:other\"]\n\tpath="}) {
        write_file(included, text + "\"" + pipe.string() + "\" # a comment\n");
        d.repository.write(".git/config", configuration + "[include]\n\tpath = ../../included\n");
        expect_refused(pipe);
    }
    d.repository.write(".git/config", configuration);
    EXPECT_EQ(d.graftline({"status"}).status, 0);
}

TEST_F(Waiting, ForOurOwnConfigurationIsRefused)
{
    replace(d.repository.top() / "graftline.toml", make_pipe);
}

TEST_F(Waiting, ForWhatAnAgentHasLeftFailsItsTask)
{
    const auto pipe = in_git("info/exclude").string();
    const auto agent = d.script("agent", "echo x > x.txt; rm -f '" + pipe + "'; mkfifo '" + pipe + "'\n");
    const auto said = d.graftline({"run", "Leaves a pipe", "--", agent});
    EXPECT_NE(said.status, 0);
    EXPECT_THAT(said.out + said.err, HasSubstr(pipe));
    fs::remove(pipe);
    EXPECT_EQ(d.graftline({"status"}).status, 0);
}

TEST_F(Waiting, ForTheRecordOfAnotherWorktreeIsRefused)
{
    const auto other = d.repository.root() / "other";
    d.repository.git("worktree", "add", "-q", other.string());
    const auto head = in_git("worktrees/other/HEAD");
    fs::remove(head);
    make_pipe(head);
    const auto said = d.graftline({"create", "Another"});
    EXPECT_NE(said.status, 0);
    EXPECT_THAT(said.err, HasSubstr(head.string()));
    EXPECT_THAT(d.graftline({"doctor"}).out, HasSubstr(head.string()));
}

} // namespace
} // namespace graftline::test
