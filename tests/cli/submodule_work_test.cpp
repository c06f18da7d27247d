// What a task commits in a submodule is found wherever its pointer is.
#include "tests/cli/program.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class SubmoduleWork : public testing::Test {
protected:
    SubmoduleWork()
    {
        make_library("lib");
        d.repository.git("config", "protocol.file.allow", "always");
        d.repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library("lib"),
                         "sub");
        d.repository.git("commit", "-qm", "submodule");
    }
    std::string library(const std::string& name) const { return (d.repository.root() / name).string(); }
    void make_library(const std::string& name)
    {
        try_git(d.repository.root(), {"init", "-q", "-b", "main", name});
        write_file(d.repository.root() / name / "l.c", name + "\n");
        try_git(library(name), {"add", "-A"});
        try_git(library(name), {"commit", "-qm", "first"});
    }
    said run(const std::string& agent, std::vector<std::string> more = {"--land"})
    {
        std::vector<std::string> words{"run", "t", "--json"};
        words.insert(words.end(), more.begin(), more.end());
        words.insert(words.end(), {"--", d.script("agent", agent)});
        return d.graftline(words);
    }
    static std::string text_in(const said& answer, std::string_view key)
    {
        const auto report = answer.json();
        const auto& value = report.at("tasks").at(0).at(key);
        return value.is_string() ? std::string(value.as_string()) : std::string();
    }
    std::string pointer() const { return d.repository.git("rev-parse", "main:sub"); }
    static constexpr const char* bump = "cd sub; echo w >w.c; git add -A; git commit -qm inner; cd ..\n";

    desk d;
};

TEST_F(SubmoduleWork, IsFoundWhereItsPointerLands)
{
    const auto before = pointer();
    const auto answer = run(std::string(bump) + "git add sub; git commit -qm bump\n",
                            {"--land", "--gate", "test -e sub/w.c"});
    EXPECT_EQ(text_in(answer, "state"), "merged") << text_in(answer, "reason");
    EXPECT_THAT(answer.err, HasSubstr("committed in sub is kept in this repository"));
    const auto after = pointer();
    EXPECT_NE(after, before);
    EXPECT_TRUE(answer.json().at("tasks").at(0).at("worktree").is_null());
    EXPECT_TRUE(answer.json().at("tasks").at(0).at("rescues").as_array().empty()) << "it is kept already";
    d.repository.git("submodule", "update");
    EXPECT_EQ(d.repository.read("sub/w.c"), "w\n");
    d.repository.git("-C", "sub", "checkout", "-q", before);
    d.repository.git("-C", "sub", "gc", "-q", "--prune=now");
    d.repository.git("submodule", "update");
    EXPECT_EQ(d.repository.git("-C", "sub", "rev-parse", "HEAD"), after);

    const auto next = run("test -e sub/w.c && echo n >n.txt\n", {"--land", "--gate", "test -e sub/w.c"});
    EXPECT_EQ(text_in(next, "state"), "merged") << text_in(next, "reason");
    EXPECT_EQ(pointer(), after);
    EXPECT_TRUE(next.json().at("tasks").at(0).at("rescues").as_array().empty()) << "it is kept already";
    EXPECT_EQ(next.json().at("tasks").at(0).at("files").as_array().size(), 1u);
}

TEST_F(SubmoduleWork, ThatWasNotAddedIsCommittedAndKept)
{
    const auto answer = run(bump);
    EXPECT_EQ(text_in(answer, "state"), "merged") << text_in(answer, "reason");
    d.repository.git("submodule", "update");
    EXPECT_EQ(d.repository.read("sub/w.c"), "w\n");
}

TEST_F(SubmoduleWork, IsKeptWhenAPersonLandsIt)
{
    const auto made = run("true\n", {"--keep-worktrees"});
    const fs::path worktree = text_in(made, "worktree");
    d.repository.git_in(worktree, "-C", "sub", "commit", "-q", "--allow-empty", "-m", "by hand");
    d.repository.git_in(worktree, "commit", "-qam", "bump");
    const auto landed = d.graftline({"land", text_in(made, "id")});
    EXPECT_EQ(landed.status, 0) << landed.err;
    d.repository.git("submodule", "update");
    EXPECT_EQ(d.repository.git("-C", "sub", "log", "-1", "--format=%s"), "by hand");
}

TEST_F(SubmoduleWork, InASubmoduleOfASubmoduleIsKept)
{
    make_library("deep");
    try_git(library("lib"),
            {"-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library("deep"), "deep"});
    try_git(library("lib"), {"commit", "-qm", "deeper"});
    d.repository.git("-C", "sub", "pull", "-q", "--no-recurse-submodules");
    d.repository.git("commit", "-qam", "deeper");
    d.repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init",
                     "--recursive");
    const auto answer = run("cd sub/deep; echo w >w.c; git add -A; git commit -qm inmost; cd ..\n"
                            "git add deep; git commit -qm inner\n");
    EXPECT_EQ(text_in(answer, "state"), "merged") << text_in(answer, "reason");
    d.repository.git("submodule", "update", "--recursive");
    EXPECT_EQ(d.repository.read("sub/deep/w.c"), "w\n");
}

TEST_F(SubmoduleWork, InASubmoduleThatTheTaskAddedIsKept)
{
    make_library("other");
    const auto answer =
        run("git -c protocol.file.allow=always submodule --quiet add '" + library("other") +
            "' more\ncd more; echo w >w.c; git add -A; git commit -qm inner; cd ..; git add more\n");
    EXPECT_EQ(text_in(answer, "state"), "merged") << text_in(answer, "reason");
    d.repository.git("submodule", "update", "--init", "more");
    EXPECT_EQ(d.repository.read("more/w.c"), "w\n");
    EXPECT_EQ(d.repository.git("-C", "more", "config", "remote.origin.url"), library("other"));
    EXPECT_EQ(d.repository.git("-C", "more", "status", "--porcelain"), "");
}

TEST_F(SubmoduleWork, ThatIsNoneLeavesThePointerOfAMerge)
{
    d.repository.git("switch", "-qc", "newer");
    try_git(d.repository.top() / "sub", {"commit", "-q", "--allow-empty", "-m", "newer"});
    d.repository.git("commit", "-qam", "newer submodule");
    const auto newer = d.repository.git("rev-parse", "newer:sub");
    d.repository.git("switch", "-q", "main");
    d.repository.git("submodule", "--quiet", "update");
    const auto answer = run("git merge -q newer; echo w >w.txt\n");
    EXPECT_EQ(text_in(answer, "state"), "merged") << text_in(answer, "reason");
    EXPECT_EQ(pointer(), newer) << "it was not taken back";
    EXPECT_EQ(d.repository.git("show", "main:w.txt"), "w");
}

TEST_F(SubmoduleWork, CannotBeDoneWhereItsCommitIsMissing)
{
    const std::string nowhere(40, 'a');
    d.repository.git("update-index", "--cacheinfo", "160000," + nowhere + ",sub");
    d.repository.git("commit", "-qm", "to nowhere");
    const auto answer = run("echo w >w.txt\n");
    EXPECT_EQ(text_in(answer, "state"), "merged") << text_in(answer, "reason");
    EXPECT_THAT(answer.err, HasSubstr("the submodule sub is not populated"));
    EXPECT_EQ(pointer(), nowhere) << "a pointer that the task did not change";
}

TEST_F(SubmoduleWork, ThatIsNotCommittedIsSaid)
{
    const auto answer = run("echo w >sub/w.c\n");
    EXPECT_EQ(answer.status, 1);
    EXPECT_THAT(text_in(answer, "reason"), AllOf(HasSubstr("submodule sub"), HasSubstr("not committed")));
    EXPECT_NE(text_in(answer, "worktree"), "");
}

} // namespace
} // namespace graftline::test
