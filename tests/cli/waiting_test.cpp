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

    std::string task_that_is(std::string_view state)
    {
        const auto seen = d.graftline({"status", "--json"}).json();
        for (const auto& each : seen.at("tasks").as_array())
            if (each.at("state").as_string() == state) return std::string(each.at("id").as_string());
        return {};
    }

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

TEST_F(Waiting, ForAPipeAmongRefsReflogsAndPacksIsRefused)
{
    for (const char* name : {"refs/stash", "refs/heads/zz", "refs/tags/x", "refs/heads/deep/er/zz",
                             "logs/refs/heads/zz", "objects/pack/pack-zz.idx"})
        replace(in_git(name), make_pipe);
    const auto pipe = in_git("refs/heads/linked");
    fs::create_symlink(".", in_git("refs/heads/circle"));
    EXPECT_EQ(d.graftline({"status"}).status, 0);
    make_pipe(d.repository.root() / "pipe");
    fs::create_symlink(d.repository.root() / "pipe", pipe);
    expect_refused(pipe);
}

TEST_F(Waiting, ForAPipeAmongObjectsIsRefused)
{
    const auto commit = d.repository.git("rev-parse", "HEAD");
    const auto borrowed = d.repository.root() / "borrowed";
    write_file(in_git("objects/info/alternates"), (borrowed / "objects").string() + "\n");
    fs::create_directories(borrowed / "objects/info");
    write_file(borrowed / "objects/info/alternates", (borrowed / "more").string() + "\n");
    const auto of_objects = [&](const std::string& name) { return in_git("objects/" + name); };
    for (const auto& pipe : {of_objects(commit.substr(0, 2) + "/" + commit.substr(2)),
                             of_objects("00/00000000000000000000000000000000000000"),
                             of_objects("info/commit-graphs/graph-x.graph"), of_objects("info/packs"),
                             borrowed / "objects/pack/pack-zz.idx", borrowed / "more/zz/pipe"})
        replace(pipe, make_pipe);
    EXPECT_EQ(d.graftline({"status"}).status, 0);
}

TEST_F(Waiting, ForAPipeAmongWhatIsHalfDoneIsRefused)
{
    for (const char* name :
         {"COMMIT_EDITMSG", "ORIG_HEAD", "MERGE_HEAD", "rebase-merge/head-name", "graftline/state.db-wal"})
        replace(in_git(name), make_pipe);
    make_socket(in_git("fsmonitor--daemon.ipc"));
    EXPECT_EQ(d.graftline({"status"}).status, 0);
}

TEST_F(Waiting, ForAPipeInPlaceOfATasksViewIsNotDone)
{
    const auto view = in_git("graftline/tasks/" + id + "/task_state.json");
    ASSERT_TRUE(fs::remove(view));
    make_pipe(view);
    EXPECT_EQ(d.graftline({"discard", id}).status, 0);
    EXPECT_TRUE(fs::is_regular_file(view)) << "it is written anew";
}

TEST_F(Waiting, ForAPipeAmongTheRulesOfTheCheckoutIsRefused)
{
    for (const char* name : {".gitattributes", ".gitignore", ".gitmodules"})
        replace(d.repository.top() / name, make_pipe);
    fs::create_directory(d.repository.top() / ".gitignore");
    EXPECT_EQ(d.graftline({"status"}).status, 0) << "git passes over it";
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

TEST_F(Waiting, ForARefThatAnAgentHasMadeAPipeFailsItsTask)
{
    const auto pipe = in_git("refs/heads/zz").string();
    const auto agent = d.script("agent", "echo x > x.txt; mkfifo '" + pipe + "'\n");
    const auto said = d.graftline({"run", "Leaves a pipe", "--land", "--", agent});
    EXPECT_NE(said.status, 0);
    EXPECT_THAT(said.out + said.err, HasSubstr(pipe));
    fs::remove(pipe);
    EXPECT_EQ(d.graftline({"status"}).status, 0);
}

TEST_F(Waiting, ForTheRulesOfAFolderThatALandingChangesIsRefused)
{
    d.repository.write("deep/er/file", "old\n");
    d.repository.git("add", "-A");
    d.repository.git("commit", "-qm", "deep");
    const auto agent = d.script("agent", "echo new > deep/er/file\n");
    ASSERT_EQ(d.graftline({"run", "Deep", "--", agent}).status, 0);
    const auto task = task_that_is("completed");
    const auto pipe = d.repository.top() / "deep/.gitattributes";
    make_pipe(pipe);
    const auto said = d.graftline({"land", task});
    EXPECT_NE(said.status, 0);
    EXPECT_THAT(said.out + said.err, HasSubstr(pipe.string()));
    fs::remove(pipe);
    EXPECT_EQ(d.graftline({"land", task}).status, 0);
}

TEST_F(Waiting, ForTheNotesInTheRecordOfAWorktreeIsRefused)
{
    const auto agent = d.script("agent", "echo x > x.txt; exit 1\n");
    EXPECT_NE(d.graftline({"run", "Noted", "--", agent}).status, 0);
    const auto task = task_that_is("failed");
    const auto notes = in_git("worktrees/noted-" + task) / "graftline-rules/config";
    ASSERT_TRUE(fs::remove(notes));
    make_pipe(notes);
    for (std::vector<std::string> words : {std::vector<std::string>{"diff", task},
                                           {"commit", task, "-m", "x"},
                                           {"discard", task},
                                           {"retry", "--fresh", task}}) {
        const auto said = d.graftline(words);
        EXPECT_NE(said.status, 0) << words[0];
        EXPECT_THAT(said.out + said.err, HasSubstr(notes.string())) << words[0];
    }
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
