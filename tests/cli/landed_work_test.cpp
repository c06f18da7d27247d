// What lands is what was made: nothing that graftline brought, nothing that only one worktree has, nothing
// unfinished.
#include "tests/cli/program.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class LandedWork : public testing::Test {
protected:
    LandedWork() { d.repository.git("rm", "-q", "greeting.txt"); }

    said land(const std::string& agent, std::vector<std::string> more = {})
    {
        std::vector<std::string> words{"run", "t", "--land", "--json"};
        words.insert(words.end(), more.begin(), more.end());
        words.insert(words.end(), {"--", d.script("agent", agent)});
        return d.graftline(words);
    }
    static std::string state_in(const said& answer)
    {
        return std::string(answer.json().at("tasks").as_array().at(0).at("state").as_string());
    }
    static std::string reason_in(const said& answer)
    {
        const auto report = answer.json();
        const auto& reason = report.at("tasks").as_array().at(0).at("reason");
        return reason.is_string() ? std::string(reason.as_string()) : std::string();
    }
    static std::string id_in(const said& answer)
    {
        return std::string(answer.json().at("tasks").as_array().at(0).at("id").as_string());
    }
    std::string landed() { return d.repository.git("ls-tree", "-r", "--name-only", "main"); }

    desk d;
};

class FurnishedWork : public LandedWork {
protected:
    FurnishedWork()
    {
        d.repository.write(".gitignore", "data/\n");
        d.repository.write(
            "graftline.toml",
            "[worktree]\nlink = [\"data\"]\ncopy = [\".env\", \"more/secret key\"]\n"
            "[gate]\ncommands = [[\"sh\", \"-c\", \"test -z \\\"$(git status --porcelain)\\\"\"]]\n");
        d.repository.commit("configure");
        d.repository.write("data/m.csv", "precious\n");
        d.repository.write(".env", "KEY=secret\n");
        d.repository.write("more/secret key", "secret\n");
        exclusions = d.repository.read(".git/info/exclude");
        status = d.repository.git("status", "--porcelain");
    }
    void expect_only(const std::string& files)
    {
        EXPECT_EQ(landed(), files);
        EXPECT_EQ(d.repository.read("data/m.csv"), "precious\n");
        EXPECT_EQ(d.repository.read(".git/info/exclude"), exclusions);
        EXPECT_EQ(d.repository.git("status", "--porcelain"), status) << "theirs is as it was";
    }
    std::string exclusions, status;
};

TEST_F(FurnishedWork, IsNotCommittedForTheAgent)
{
    const auto answer = land("cat data/m.csv .env 'more/secret key' && echo w >w.txt\n");
    EXPECT_EQ(answer.status, 0) << answer.err;
    expect_only(".gitignore\ngraftline.toml\nw.txt");
}

TEST_F(FurnishedWork, IsNotSeenByTheAgentsGit)
{
    const auto answer = land("test -z \"$(git status --porcelain)\" || exit 9\n"
                             "echo w >w.txt; git add -A; git commit -qm own\n");
    EXPECT_EQ(answer.status, 0) << answer.err << reason_in(answer);
    expect_only(".gitignore\ngraftline.toml\nw.txt");
}

TEST_F(FurnishedWork, IsNoChange)
{
    const auto answer = land("true\n");
    EXPECT_EQ(reason_in(answer), "no changes");
    EXPECT_TRUE(answer.json().at("tasks").as_array().at(0).at("commit").is_null());
}

TEST_F(FurnishedWork, IsRefusedWhereTheAgentCommittedIt)
{
    for (const std::string& what :
         {std::string("data"), std::string(".env"), std::string("'more/secret key'")}) {
        const auto answer = land("echo w >w.txt; git add -f w.txt " + what + "; git commit -qm own\n");
        EXPECT_EQ(answer.status, 1);
        EXPECT_EQ(state_in(answer), "failed");
        EXPECT_THAT(reason_in(answer), HasSubstr("what graftline put into the worktree")) << what;
        EXPECT_EQ(landed(), ".gitignore\ngraftline.toml");
        const auto by_hand = d.graftline({"land", id_in(answer)});
        EXPECT_NE(by_hand.status, 0);
        EXPECT_EQ(landed(), ".gitignore\ngraftline.toml");
    }
}

/// What is kept out of the worktree's commits is the agent's own work in any other repository.
TEST_F(FurnishedWork, HidesNothingInOtherRepositories)
{
    const auto inner = d.repository.root() / "inner";
    fs::create_directories(inner);
    d.repository.git_in(inner, "init", "-q");
    write_file(inner / "data/tracked", "tracked\n");
    d.repository.git_in(inner, "add", "-A");
    d.repository.git_in(inner, "commit", "-q", "-m", "inner");
    d.repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.string(),
                     "lib");
    d.repository.git("commit", "-q", "-m", "submodule");
    const auto answer = land(
        "echo new >lib/data/new; echo own >lib/.env\n"
        "cd lib; git add data; test \"$(git status --porcelain)\" = \"$(printf 'A  data/new\\n?? .env')\"\n"
        "test $? = 0 || exit 9; cd ..; git check-ignore -q .env || exit 8; exit 3\n");
    EXPECT_THAT(reason_in(answer), HasSubstr("exit status 3"));
    EXPECT_EQ(d.graftline({"discard", id_in(answer)}).status, 0);
    std::string files;
    std::istringstream refs(d.repository.git("for-each-ref", "--format=%(refname)", "refs/graftline/rescue"));
    for (std::string ref; std::getline(refs, ref);)
        files += d.repository.git("ls-tree", "-r", "--name-only", ref) + "\n";
    EXPECT_THAT(files, HasSubstr("data/new"));
    EXPECT_THAT(files, HasSubstr(".env"));
}

TEST_F(LandedWork, HooksThatAreFurnishedAreNotSaidToBeMissing)
{
    for (const bool linked : {true, false}) {
        d.repository.write("graftline.toml", linked ? "[worktree]\nlink = [\".hooks\"]\n" : "");
        d.repository.write(".gitignore", ".hooks\n");
        d.repository.commit("configure");
        d.repository.write(".hooks/pre-commit",
                           "#!/bin/sh\necho ran >>'" + (d.repository.root() / "ran").string() + "'\n");
        fs::permissions(d.repository.top() / ".hooks/pre-commit", fs::perms::owner_all);
        d.repository.git("config", "core.hooksPath", ".hooks");
        fs::remove(d.repository.root() / "ran"); // a commit of the user's runs it, too
        const auto answer = land("echo w >>w.txt\n");
        EXPECT_EQ(answer.status, 0) << answer.err;
        EXPECT_EQ(answer.err.find("no hooks run there") == std::string::npos, linked) << answer.err;
        EXPECT_EQ(fs::exists(d.repository.root() / "ran"), linked);
    }
}

TEST_F(FurnishedWork, IsNotRescuedAndWhatTookItsPlaceIs)
{
    auto answer = land("echo w >w.txt; exit 3\n");
    EXPECT_EQ(d.graftline({"discard", id_in(answer)}).status, 0);
    const auto rescue = "refs/graftline/rescue/" + id_in(answer) + "/1";
    EXPECT_EQ(d.repository.git("ls-tree", "-r", "--name-only", rescue), ".gitignore\ngraftline.toml\nw.txt");
    answer = land("rm data; mkdir Data; rm -f .gitignore; mkdir data; echo own >data/own.txt; exit 3\n");
    EXPECT_EQ(d.graftline({"discard", id_in(answer)}).status, 0);
    EXPECT_THAT(
        d.repository.git("ls-tree", "-r", "--name-only", "refs/graftline/rescue/" + id_in(answer) + "/1"),
        HasSubstr("data/own.txt"));
}

TEST_F(LandedWork, NothingIsFurnishedThroughALink)
{
    const auto outside = d.repository.root() / "outside";
    write_file(outside / "local", "local\n");
    fs::create_directories(d.repository.root() / "repo.worktrees/outside");
    fs::create_directory_symlink("../outside", d.repository.top() / "conf");
    for (const std::string how : {"copy", "link"}) {
        d.repository.write("graftline.toml", "[worktree]\n" + how + " = [\"conf/local\"]\n");
        d.repository.commit("configure");
        const auto answer = land("echo w >w.txt\n");
        EXPECT_EQ(state_in(answer), "failed");
        EXPECT_THAT(reason_in(answer), HasSubstr("follow no symbolic link: 'conf/local'"));
        EXPECT_TRUE(fs::is_empty(d.repository.root() / "repo.worktrees/outside"));
    }
}

/// As editors, `sed -i` and formatters save.
TEST_F(FurnishedWork, IsNotCommittedWhereALinkBecameAFile)
{
    d.repository.write("graftline.toml", "[worktree]\nlink = [\".env\"]\n");
    d.repository.git("commit", "-q", "-m", "link", "graftline.toml");
    for (const bool by_hand : {false, true}) {
        const auto answer = land(std::string("sed -i s/secret/changed/ .env; echo w >>w.txt\n") +
                                 (by_hand ? "git add -A -f; git commit -qm own\n" : ""));
        EXPECT_EQ(answer.status, by_hand ? 1 : 0) << answer.err;
        EXPECT_EQ(landed(), ".gitignore\ngraftline.toml\nw.txt");
        if (by_hand) EXPECT_THAT(reason_in(answer), HasSubstr("what graftline put into the worktree"));
        if (!by_hand) {
            EXPECT_EQ(d.repository.git("show", "refs/graftline/rescue/" + id_in(answer) + "/1:.env"),
                      "KEY=changed");
        }
    }
    EXPECT_EQ(d.repository.read(".env"), "KEY=secret\n");
}

TEST_F(FurnishedWork, IsInNoCommitOnTheWay)
{
    const auto answer =
        land("git add -f .env; git commit -qm leak; git rm -q --cached .env; git commit -qm back\n"
             "echo w >w.txt\n");
    EXPECT_EQ(state_in(answer), "failed");
    EXPECT_THAT(reason_in(answer), HasSubstr("what graftline put into the worktree"));
    EXPECT_THAT(d.repository.git("rev-list", "--objects", "main"),
                Not(HasSubstr(d.repository.git("hash-object", ".env"))));
}

TEST_F(FurnishedWork, HasTheTasksOwnFilesBesideIt)
{
    const auto answer = land("echo own >more/own.txt; echo w >w.txt\n");
    EXPECT_EQ(answer.status, 0) << answer.err << reason_in(answer);
    EXPECT_EQ(landed(), ".gitignore\ngraftline.toml\nmore/own.txt\nw.txt");
    write_file(d.repository.top() / "graftline.toml", "[worktree]\ncopy = [\"conf\"]\n");
    write_file(d.repository.top() / "conf/p", "p\n");
    const auto in_folder = land("cat conf/p; echo NEW >conf/new\n");
    EXPECT_EQ(in_folder.status, 0) << in_folder.err;
    EXPECT_THAT(landed(), HasSubstr("conf/new"));
    EXPECT_THAT(landed(), Not(HasSubstr("conf/p")));
}

TEST_F(FurnishedWork, ThatTheTaskEditedIsSaved)
{
    for (const std::string& end : {std::string("0"), std::string("3")}) {
        const auto answer = land("echo edited >>.env; echo w >>w.txt; exit " + end + "\n");
        if (end == "3") EXPECT_EQ(d.graftline({"discard", id_in(answer)}).status, 0);
        EXPECT_THAT(landed(), Not(HasSubstr(".env")));
        const auto rescue = "refs/graftline/rescue/" + id_in(answer) + "/1";
        EXPECT_THAT(d.repository.git("show", rescue + ":.env"), HasSubstr("edited"));
        EXPECT_EQ(d.repository.read(".env"), "KEY=secret\n");
    }
}

TEST_F(LandedWork, HasFilesWhoseNamesDifferByCaseAlone)
{
    d.repository.commit_file("a.txt", "a\n");
    d.repository.git("config", "core.ignoreCase", "true"); // as a copy from another system has it
    auto answer = land("echo NEW >A.TXT\n");
    EXPECT_EQ(answer.status, 0) << answer.err << reason_in(answer);
    EXPECT_THAT(landed(), testing::AllOf(HasSubstr("A.TXT"), HasSubstr("a.txt")));
    answer = land("mv a.txt K; mv K A.txt; exit 3\n");
    EXPECT_EQ(d.graftline({"discard", id_in(answer)}).status, 0);
    EXPECT_EQ(d.repository.git("ls-tree", "--name-only", "refs/graftline/rescue/" + id_in(answer) + "/1"),
              "A.TXT\nA.txt");
}

TEST_F(LandedWork, HasNoRepositoryThatOnlyTheAgentHas)
{
    for (const std::string& mode : {"--land=merge", "--land=squash", "--land=rebase"}) {
        const auto before = landed();
        const auto answer =
            land("git init -q app; cd app; echo x >x.txt; git add -A; git commit -qm x; cd ..\n"
                 "git add app 2>/dev/null; git commit -qm nested\n",
                 {mode});
        EXPECT_EQ(answer.status, 1);
        EXPECT_EQ(state_in(answer), "failed");
        EXPECT_THAT(reason_in(answer), HasSubstr("not one of its submodules"));
        EXPECT_EQ(landed(), before);
        EXPECT_NE(d.graftline({"land", id_in(answer)}).status, 0);
        EXPECT_EQ(landed(), before);
    }
}

TEST_F(LandedWork, HasNoConflictMarkersUntilAPersonSaysSo)
{
    d.repository.commit_file("a.txt", "a\n");
    d.repository.commit_file("about.txt", "<<<<<<< one\n=======\n>>>>>>> other\n");
    const auto answer = land("git switch -qc s; echo s >a.txt; git commit -qam s; git switch -q -\n"
                             "echo m >a.txt; git commit -qam m; git merge s; git add -A; true\n");
    EXPECT_EQ(state_in(answer), "completed");
    EXPECT_EQ(answer.status, 1) << "it was to land";
    EXPECT_THAT(reason_in(answer), HasSubstr("conflict markers are left in a.txt"));
    EXPECT_EQ(d.repository.git("show", "main:a.txt"), "a");
    const auto by_hand = d.graftline({"land", id_in(answer)});
    EXPECT_EQ(by_hand.status, 0) << by_hand.err;
    EXPECT_THAT(d.repository.git("show", "main:a.txt"), HasSubstr("<<<<<<<"));

    const auto other = land("echo '++ b/x' >>about.txt; printf '=======\\n' >title.rst\n");
    EXPECT_EQ(state_in(other), "merged") << "a text about conflicts is no conflict";
}

TEST_F(LandedWork, IsTestedWhereTheAgentBroughtItToTheTargetItself)
{
    const std::string moves =
        "git symbolic-ref HEAD refs/heads/main; echo w >w.txt; git add w.txt; git commit -qm m\n";
    auto answer = land(moves, {"--gate", "false"});
    EXPECT_EQ(answer.status, 1);
    EXPECT_EQ(state_in(answer), "failed");
    EXPECT_THAT(reason_in(answer),
                HasSubstr("gate failed on main, where somebody has put this change already"));
    answer = land("git update-ref refs/heads/main \"$(git commit-tree -p main -m m main^{tree})\"\n"
                  "git reset -q --hard main\n",
                  {"--gate", "true"});
    EXPECT_EQ(state_in(answer), "merged") << reason_in(answer);
}

TEST_F(LandedWork, IsSaidToBeGoneWhenAnAgentMovesTheTargetBack)
{
    const auto answer = d.graftline(
        {"run", "A", "B", "--land", "--json", "--",
         d.script("agent", "case $GRAFTLINE_TASK in A) echo a >a-work;; B)\n"
                           "until git cat-file -e main:a-work 2>/dev/null; do sleep 0.05; done\n"
                           "git update-ref refs/heads/main \"$GRAFTLINE_BASE\"; echo b >b-work;; esac\n")});
    EXPECT_EQ(answer.status, 1);
    EXPECT_THAT(answer.err, HasSubstr("main was moved back"));
    EXPECT_THAT(answer.err, HasSubstr("its checkout does not follow: " + d.repository.top().string()));
    const auto report = answer.json();
    const auto& a = report.at("tasks").at(0);
    EXPECT_EQ(a.at("state"), "completed");
    EXPECT_THAT(std::string(a.at("reason").as_string()), HasSubstr("taken that off main"));
    EXPECT_EQ(report.at("tasks").at(1).at("state"), "merged");
    d.repository.git("reset", "-q", "--hard"); // the checkout that B moved main under
    const auto again = d.graftline({"land", std::string(a.at("id").as_string())});
    EXPECT_EQ(again.status, 0) << again.err;
    EXPECT_THAT(landed(), testing::AllOf(HasSubstr("a-work"), HasSubstr("b-work")));
}

TEST_F(LandedWork, IsSaidToBeBehindWhereAnAgentMovesACheckedOutTarget)
{
    d.repository.write("mine.txt", "mine\n");
    const auto answer = d.graftline({"run", "A", "--",
                                     d.script("agent", "echo a >a; git add a; git commit -qm a\n"
                                                       "git update-ref refs/heads/main HEAD\n")});
    const std::string before = "To bring it along, with edits of yours kept: git -C ";
    const auto at = answer.err.find(before);
    ASSERT_NE(at, answer.err.npos) << answer.err;
    const auto words = answer.err.substr(at + before.size() - 3);
    ASSERT_EQ(std::system(("git " + words.substr(0, words.find('\n'))).c_str()), 0) << words;
    EXPECT_EQ(d.repository.read("a"), "a\n");
    EXPECT_EQ(d.repository.read("mine.txt"), "mine\n");
    EXPECT_EQ(d.repository.git("status", "--porcelain"), "D  greeting.txt\n?? mine.txt");
}

TEST_F(LandedWork, IsNotSaidToBeBehindAfterACommitOfTheUsersAndAfterASoftReset)
{
    const auto here = d.repository.top().string();
    for (const std::string& does : {"commit -q --allow-empty -m theirs", "reset -q --soft HEAD~1"}) {
        const auto answer =
            d.graftline({"run", "A", "--",
                         d.script("agent", "echo a >a; env -u GIT_CEILING_DIRECTORIES git -C '" + here +
                                               "' " + does + "\n")});
        EXPECT_EQ(answer.status, 0) << answer.err;
        EXPECT_THAT(answer.err, Not(HasSubstr("does not follow")));
    }
}

TEST_F(LandedWork, LandsAgainWhereTheUserTookItOff)
{
    const auto before = d.repository.git("rev-parse", "main");
    const auto answer = land("echo w >w.txt\n");
    ASSERT_EQ(state_in(answer), "merged");
    const auto refused = d.graftline({"land", id_in(answer)});
    EXPECT_NE(refused.status, 0) << "it is there";
    d.repository.git("reset", "-q", "--hard", before);
    const auto again = d.graftline({"land", id_in(answer)});
    EXPECT_EQ(again.status, 0) << again.err;
    EXPECT_THAT(again.err, HasSubstr("main was moved since"));
    EXPECT_THAT(landed(), HasSubstr("w.txt"));
}

TEST_F(LandedWork, GoesToATargetThatIsNamedInFull)
{
    const auto answer = land("echo w >w.txt\n", {"--target", "refs/heads/main"});
    EXPECT_EQ(state_in(answer), "merged") << answer.err;
    EXPECT_THAT(landed(), HasSubstr("w.txt"));
}

TEST_F(LandedWork, IsNotARebaseUnderWay)
{
    d.repository.commit_file("a.txt", "a\n");
    const auto answer = land("git switch -qc s; echo s >a.txt; git commit -qam s; git switch -q -\n"
                             "echo m >a.txt; git commit -qam m; git rebase s; true\n");
    EXPECT_EQ(state_in(answer), "failed");
    EXPECT_THAT(reason_in(answer), HasSubstr("a rebase is under way"));
}

} // namespace
} // namespace graftline::test
