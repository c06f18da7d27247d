// Reading commands run nothing that a repository names, its submodules and nested repositories included.
#include "tests/cli/program.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A repository with two tasks, in which everything that can name a program names one that leaves a mark.
class Reading : public testing::Test {
protected:
    Reading()
    {
        fs::create_directory(marks);
        test_repository library;
        library.commit_file("l.txt", "l\n");
        d.repository.write("plain.txt", "plain\n");
        d.repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add",
                         library.top().string(), "sub");
        d.repository.commit("with a submodule");
        d.graftline({"run", "One", "--", "sh", "-c", "echo 1 > greeting.txt; exit 3"});
        d.graftline({"run", "Two", "--", "sh", "-c", "echo 2 > greeting.txt"});
        const auto all = d.graftline({"status", "--json", "--all"}).json();
        for (const auto& t : all.at("tasks").as_array()) {
            const auto which = t.at("description") == "One" ? &one : &two;
            *which = std::string(t.at("id").as_string());
            if (which == &one) worktree = std::string(t.at("worktree").as_string());
        }
        arm(d.repository.top(), "");
        arm(worktree / "sub", "of-submodule-");
        nested();
        write_file(d.repository.git_folder() / "info" / "attributes", "* filter=f diff=f merge=f\n");
        write_file(worktree / ".gitattributes", "* filter=f diff=f merge=f\n");
        make_everything_look_changed();
    }

    std::string marking(const std::string& name)
    {
        const bool converts =
            name.ends_with("clean") || name.ends_with("smudge") || name.ends_with("textconv");
        return d.script("mark-" + name,
                        "echo >> '" + (marks / name).string() + "'; " + (converts ? "cat\n" : "exit 1\n"));
    }
    void arm(const fs::path& folder, const std::string& prefix)
    {
        const auto set = [&](const std::string& key, const std::string& value) {
            d.repository.git_in(folder, "config", key, value);
        };
        const fs::path hooks = d.repository.git_in(folder, "rev-parse", "--absolute-git-dir");
        for (const char* name : {"pre-commit", "post-checkout", "post-index-change", "reference-transaction",
                                 "post-commit", "pre-auto-gc", "post-merge", "pre-merge-commit"}) {
            fs::create_directories(hooks / "hooks");
            fs::copy_file(marking(prefix + name), hooks / "hooks" / name);
        }
        const std::string filter = prefix.empty() ? "f" : "nested"; // one that only its own repository knows
        set("filter." + filter + ".clean", marking(prefix + "clean"));
        set("filter." + filter + ".smudge", marking(prefix + "smudge"));
        set("diff.f.textconv", marking(prefix + "textconv"));
        set("diff.f.command", marking(prefix + "diff-command"));
        set("diff.external", marking(prefix + "external"));
        set("merge.f.driver", marking(prefix + "driver"));
        set("merge.default", "f");
        set("core.fsmonitor", marking(prefix + "fsmonitor"));
        set("core.pager", marking(prefix + "pager"));
        set("pager.diff", marking(prefix + "pager-diff"));
        set("core.editor", marking(prefix + "editor"));
        set("core.sshCommand", marking(prefix + "ssh"));
        set("core.askPass", marking(prefix + "askpass"));
        set("credential.helper", marking(prefix + "credentials"));
        set("gpg.program", marking(prefix + "gpg"));
        set("log.showSignature", "true");
        set("commit.gpgSign", "true");
        set("alias.status", "!" + marking(prefix + "alias-status"));
        set("alias.diff", "!" + marking(prefix + "alias-diff"));
        set("diff.ignoreSubmodules", "none");
        set("gc.auto", "1");
    }
    void nested()
    {
        const auto folder = worktree / "nested";
        fs::create_directory(folder);
        d.repository.git_in(folder, "init", "--quiet");
        write_file(folder / "n.txt", "n\n");
        d.repository.git_in(folder, "add", ".");
        d.repository.git_in(folder, "commit", "--quiet", "-m", "nested");
        arm(folder, "of-nested-");
        write_file(folder / ".gitattributes", "* filter=nested diff=f\n");
        d.repository.git("config", "diff.submodule", "diff");
    }
    /// Git has to look into a file whose times are not those that it knows.
    void make_everything_look_changed()
    {
        write_file(worktree / "sub" / ".gitattributes", "* filter=nested diff=f\n");
        const auto before = fs::file_time_type::clock::now() - std::chrono::hours(30);
        for (const auto& file : {worktree / "plain.txt", worktree / "sub" / "l.txt",
                                 worktree / "nested" / "n.txt", d.repository.top() / "plain.txt"})
            fs::last_write_time(file, before);
        forget_marks();
    }
    void forget_marks()
    {
        for (const auto& mark : fs::directory_iterator(marks))
            fs::remove(mark);
    }
    std::string marked()
    {
        std::string names;
        for (const auto& mark : fs::directory_iterator(marks))
            names += mark.path().filename().string() + " ";
        return names;
    }
    said read(const std::vector<std::string>& words)
    {
        auto came_to = d.graftline(words);
        EXPECT_EQ(marked(), "") << "by " << words.front() << came_to.err;
        forget_marks();
        return came_to;
    }

    desk d;
    fs::path marks = d.repository.root() / "marks";
    std::string one, two;
    fs::path worktree;
};

TEST_F(Reading, RunsNothing)
{
    EXPECT_EQ(read({"status"}).status, 0);
    EXPECT_EQ(read({"status", one}).status, 0);
    EXPECT_EQ(read({"status", "--all", "--json"}).status, 0);
    EXPECT_EQ(read({"logs", one}).status, 0);
    EXPECT_EQ(read({"diff", one}).status, 0);
    EXPECT_EQ(read({"diff", one, "--stat"}).status, 0);
    EXPECT_EQ(read({"diff", two}).status, 0);
    EXPECT_LE(read({"check"}).status, 1);
    EXPECT_LE(read({"check", "--json"}).status, 1);
    EXPECT_EQ(read({"events"}).status, 0);
    EXPECT_EQ(read({"clean", "--dry-run"}).status, 0);
    EXPECT_EQ(read({"doctor"}).status, 0);
    (void)try_git(worktree, {"--no-pager", "log", "-1", "--show-signature"});
    (void)try_git(worktree, {"add", "--dry-run", "."});
    EXPECT_THAT(marked(), HasSubstr("clean")) << "the test shows nothing";
}

TEST_F(Reading, SaysWhatItDoesNotKnow)
{
    const auto shown = read({"diff", one});
    EXPECT_THAT(shown.out, HasSubstr("+1"));
    EXPECT_THAT(shown.out, testing::Not(HasSubstr("-dirty")));
    EXPECT_THAT(shown.err, HasSubstr("sub is a submodule in which something may lie that is not committed"));
    EXPECT_THAT(read({"check"}).out, HasSubstr("goes through the filter f, which is not run here"));
}

TEST_F(Reading, FetchesNothing)
{
    const auto blob = d.repository.git("rev-parse", "main:greeting.txt");
    fs::remove(d.repository.git_folder() / "objects" / blob.substr(0, 2) / blob.substr(2));
    for (const auto& [key, value] :
         {std::pair{"remote.origin.url", "ssh://nowhere/x"}, std::pair{"remote.origin.promisor", "true"},
          std::pair{"remote.origin.partialCloneFilter", "blob:none"},
          std::pair{"extensions.partialClone", "origin"}, std::pair{"core.repositoryFormatVersion", "1"}})
        d.repository.git("config", key, value);
    d.repository.git("config", "remote.origin.uploadpack", marking("uploadpack"));
    const auto shown = read({"diff", one});
    EXPECT_EQ(shown.status, 1);
    EXPECT_THAT(shown.err, HasSubstr("reading commands fetch nothing"));
    EXPECT_LE(read({"check"}).status, 1);
    EXPECT_EQ(read({"status"}).status, 0);
    (void)try_git(d.repository.top(), {"--no-pager", "cat-file", "-p", blob});
    EXPECT_THAT(marked(), HasSubstr("ssh")) << "the test shows nothing";
}

} // namespace
} // namespace graftline::test
