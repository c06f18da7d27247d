#include "graftline/git/commits/commit.hpp"
#include "graftline/git/commits/make_commit.hpp"
#include "graftline/git/repository/repository.hpp"

#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using git::commit_author;
using git::new_objects;
using git::oid;
using testing::HasSubstr;

class making : public testing::Test {
protected:
    void SetUp() override
    {
        isolate_git();
        first = oid(repo.commit_file("a.txt", "a\n"));
        second = oid(repo.commit_file("b.txt", "b\n"));
        tree = oid(repo.git("rev-parse", "HEAD^{tree}"));
    }

    result<oid> make(std::vector<oid> parents, std::string message, commit_author author = {})
    {
        made = {};
        auto body = [this](std::vector<oid> p, std::string text,
                           commit_author who) -> awaitable<result<oid>> {
            auto found = co_await git::repository::discover(repo.top());
            if (!found) co_return found.error();
            co_return co_await git::make_commit(**found, tree, p, text, who, made);
        };
        return run_here(body(std::move(parents), std::move(message), std::move(author)));
    }
    /// What was made, as text; the test fails unless it was made without git.
    std::string text() const
    {
        EXPECT_EQ(made.in_memory.size(), 1u);
        EXPECT_EQ(made.folder, nullptr);
        return made.in_memory.empty() ? "" : made.in_memory[0].bytes;
    }
    /// "Name <email> 1700000000 +0100" after `field` in what was made.
    std::string line(const std::string& field) const
    {
        const std::string bytes = text();
        const auto at = bytes.find("\n" + field + " ") + field.size() + 2;
        return bytes.substr(at, bytes.find('\n', at) - at);
    }
    static std::string when(const std::string& signature)
    {
        return signature.substr(signature.rfind("> ") + 2);
    }
    /// The id that git gives to the same, made at the same time.
    std::string by_git(const std::vector<oid>& parents, const std::string& message)
    {
        const fs::path file = repo.root() / "message";
        write_file(file, message);
        setenv("GIT_COMMITTER_DATE", when(line("committer")).c_str(), 1);
        setenv("GIT_AUTHOR_DATE", when(line("author")).c_str(), 1);
        std::vector<std::string> words{"commit-tree", "-F", file.string(), tree.hex()};
        for (const oid& parent : parents)
            words.insert(words.end(), {"-p", parent.hex()});
        const auto answer = try_git(repo.top(), words);
        unsetenv("GIT_COMMITTER_DATE");
        unsetenv("GIT_AUTHOR_DATE");
        EXPECT_TRUE(answer.ok) << answer.err;
        return answer.out;
    }

    test_repository repo;
    oid first, second, tree;
    new_objects made;
};

TEST_F(making, GivesTheBytesThatGitWrites)
{
    for (const std::string message : {"Merge 7: words\n\nTask: 7\n", "no newline at the end", "",
                                      "\n\n  spaces \n\n\n", "Größe \xe2\x82\xac\n"})
        for (const auto& parents : {std::vector<oid>{}, {second}, {second, first}}) {
            const auto id = make(parents, message);
            ASSERT_TRUE(id) << id.error().message();
            EXPECT_EQ(id->hex(), made.in_memory.at(0).id.hex());
            EXPECT_EQ(id->hex(), by_git(parents, message)) << message;
        }
}

TEST_F(making, CopiesTheAuthorOfAnother)
{
    repo.git("-c", "user.name=Ägent Smith", "-c", "user.email=agent@example.org", "commit", "-q",
             "--allow-empty", "-m", "x", "--date=2001-02-03T04:05:06+0730");
    const oid source(repo.git("rev-parse", "HEAD"));
    const auto id = make({source}, "Landed\n", commit_author::copy_of(source));
    ASSERT_TRUE(id) << id.error().message();
    EXPECT_EQ(line("author"), "Ägent Smith <agent@example.org> 981146106 +0730");
    EXPECT_THAT(line("committer"), HasSubstr("Test Person <test@example.org> "));
}

TEST_F(making, LeavesAnUnusualAuthorToGit) // it strips "Jr." to "Jr": so must we
{
    const std::string odd = "tree " + tree.hex() +
                            "\nauthor A. B. Jr. <a@example.org> 1700000000 +0100\n"
                            "committer C <c@example.org> 1700000000 +0100\n\nodd\n";
    write_file(repo.root() / "odd", odd);
    const oid source(repo.git("hash-object", "-t", "commit", "-w", (repo.root() / "odd").string()));
    const auto id = make({second}, "Landed\n", commit_author::copy_of(source));
    ASSERT_TRUE(id) << id.error().message();
    ASSERT_TRUE(made.folder);
    setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", made.folder->path().c_str(), 1);
    EXPECT_EQ(repo.git("log", "-1", "--format=%an|%ae|%ad", "--date=raw", id->hex()),
              "A. B. Jr|a@example.org|1700000000 +0100");
    unsetenv("GIT_ALTERNATE_OBJECT_DIRECTORIES");
    EXPECT_FALSE(try_git(repo.top(), {"cat-file", "-e", id->hex()}).ok) << "it lies in the repository";
}

TEST_F(making, CopiesADateFromBefore1973)
{
    for (const std::string when : {"0 +0000", "86400 +0100", "99999999 -0730"}) {
        repo.git("commit", "-q", "--allow-empty", "-m", "old", "--date=@" + when);
        const oid source(repo.git("rev-parse", "HEAD"));
        const auto id = make({source}, "Landed\n", commit_author::copy_of(source));
        ASSERT_TRUE(id) << id.error().message();
        ASSERT_TRUE(made.folder);
        setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", made.folder->path().c_str(), 1);
        EXPECT_EQ(repo.git("log", "-1", "--format=%ad", "--date=raw", id->hex()), when);
        unsetenv("GIT_ALTERNATE_OBJECT_DIRECTORIES");
    }
}

TEST_F(making, SeesWhenTheUserChangesTheConfiguration)
{
    auto body = [&]() -> awaitable<void> {
        auto found = (co_await git::repository::discover(repo.top())).value();
        for (const char* name : {"One", "Two"}) {
            repo.git("config", "user.name", name);
            made = {};
            std::vector<oid> parents;
            (co_await git::make_commit(*found, tree, parents, "m", commit_author(), made)).value();
            EXPECT_THAT(line("committer"), HasSubstr(std::string(name) + " <test@example.org>"));
            EXPECT_THAT(line("author"), HasSubstr(std::string(name) + " <test@example.org>"));
        }
    };
    run_here(body());
}

TEST_F(making, IsOursWhereGitKnowsNobody)
{
    repo.git("config", "user.name", "");
    repo.git("config", "user.email", "");
    repo.git("config", "user.useConfigOnly", "true");
    const auto id = make({}, "m\n");
    ASSERT_TRUE(id) << id.error().message();
    EXPECT_THAT(line("author"), HasSubstr("graftline <graftline@localhost>"));
    EXPECT_THAT(line("committer"), HasSubstr("graftline <graftline@localhost>"));
}

TEST_F(making, KeepsAuthorAndCommitterApart)
{
    repo.git("config", "author.name", "The Author");
    repo.git("config", "committer.email", "committer@example.org");
    ASSERT_TRUE(make({}, "m\n"));
    EXPECT_THAT(line("author"), HasSubstr("The Author <test@example.org>"));
    EXPECT_THAT(line("committer"), HasSubstr("Test Person <committer@example.org>"));
}

TEST_F(making, HasGitSignWhenThatIsAsked)
{
    const fs::path program = repo.root() / "signer";
    write_file(program, "#!/bin/sh\ncat >/dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\necho signature\n");
    fs::permissions(program, fs::perms::owner_all);
    repo.git("config", "commit.gpgSign", "true");
    repo.git("config", "gpg.program", program.string());
    const auto id = make({second}, "m\n");
    ASSERT_TRUE(id) << id.error().message();
    EXPECT_TRUE(made.in_memory.empty());
    ASSERT_TRUE(made.folder);
    setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", made.folder->path().c_str(), 1);
    EXPECT_THAT(repo.git("cat-file", "commit", id->hex()), HasSubstr("gpgsig signature"));
    unsetenv("GIT_ALTERNATE_OBJECT_DIRECTORIES");
}

TEST_F(making, SignsOnTopOfWhatOnlyMemoryHolds)
{
    repo.git("config", "i18n.commitEncoding", "ISO-8859-1");
    auto body = [&]() -> awaitable<result<oid>> {
        auto found = (co_await git::repository::discover(repo.top())).value();
        // The empty tree, which is nowhere else.
        git::new_object empty{oid("4b825dc642cb6eb9a060e54bf8d69288fbee4904"), git::object_kind::tree, ""};
        made.in_memory.push_back(std::move(empty));
        std::vector<oid> parents(1, second);
        const oid nothing("4b825dc642cb6eb9a060e54bf8d69288fbee4904");
        co_return co_await git::make_commit(*found, nothing, parents, "m\n", commit_author(), made);
    };
    const auto id = run_here(body());
    ASSERT_TRUE(id) << id.error().message();
    EXPECT_TRUE(made.in_memory.empty());
    ASSERT_TRUE(made.folder);
    setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", made.folder->path().c_str(), 1);
    EXPECT_THAT(repo.git("cat-file", "commit", id->hex()), HasSubstr("encoding ISO-8859-1"));
    unsetenv("GIT_ALTERNATE_OBJECT_DIRECTORIES");
}

TEST_F(making, LeavesWhatGitWouldChangeToGit)
{
    // Latin-1 in the message: git makes UTF-8 of it. A parent that is given twice: git takes it once.
    const auto latin = make({second}, "caf\xe9\n");
    ASSERT_TRUE(latin) << latin.error().message();
    EXPECT_TRUE(made.in_memory.empty());
    const auto twice = make({second, second}, "m\n");
    ASSERT_TRUE(twice) << twice.error().message();
    EXPECT_TRUE(made.in_memory.empty());
}

TEST_F(making, RefusesATreeThatIsNotThere)
{
    tree = oid(std::string(40, '7'));
    const auto id = make({second}, "m\n");
    ASSERT_FALSE(id);
    EXPECT_TRUE(id.error().is(errc::command_failed));
    EXPECT_THAT(id.error().message(), HasSubstr("not a valid object"));
    tree = second; // a commit is no tree
    EXPECT_FALSE(make({second}, "m\n"));
}

TEST_F(making, NeedsNoGitForIt)
{
    const fs::path empty = repo.root() / "empty";
    fs::create_directory(empty);
    const std::string path = std::getenv("PATH");
    auto body = [&]() -> awaitable<result<oid>> {
        auto found = (co_await git::repository::discover(repo.top())).value();
        std::vector<oid> parents(1, second);
        (co_await git::make_commit(*found, tree, parents, "one\n", commit_author(), made)).value();
        setenv("PATH", empty.c_str(), 1);
        co_return co_await git::make_commit(*found, tree, parents, "two\n", commit_author::copy_of(first),
                                            made);
    };
    const auto id = run_here(body());
    setenv("PATH", path.c_str(), 1);
    ASSERT_TRUE(id) << id.error().message();
}

TEST(making_sha256, IsGits)
{
    isolate_git();
    const test_repository repo({"--object-format=sha256"});
    const oid parent(repo.commit_file("a.txt", "a\n"));
    const oid tree(repo.git("rev-parse", "HEAD^{tree}"));
    auto body = [&]() -> awaitable<result<oid>> {
        auto found = (co_await git::repository::discover(repo.top())).value();
        std::vector<oid> parents(1, parent);
        co_return co_await git::commit_tree(*found, tree, parents, "m\n");
    };
    const auto id = run_here(body());
    ASSERT_TRUE(id) << id.error().message();
    EXPECT_EQ(repo.git("log", "-1", "--format=%s|%P|%T", id->hex()), "m|" + parent.hex() + "|" + tree.hex());
}

} // namespace
} // namespace graftline::test
