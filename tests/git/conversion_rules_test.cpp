// Filters and other conversions that somebody changes while a worktree is worked in: no byte is lost to them.
#include "graftline/git/commits/commit.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/rescue/holds_nothing.hpp"
#include "graftline/git/rescue/rescue.hpp"
#include "graftline/git/rules/noted_programs.hpp"
#include "graftline/git/rules/noted_rules.hpp"
#include "graftline/git/worktree/worktree.hpp"

#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;
using test::run_here;
using test::write_file;
using testing::HasSubstr;

class ConversionRules : public testing::Test {
protected:
    ConversionRules()
    {
        test::isolate_git();
        made.write("a", "a\n");
        made.commit("base");
        repo = run_here(io, repository::discover(made.top())).value();
    }
    void add(const std::function<void()>& before = [] {})
    {
        before();
        const oid base(made.git("rev-parse", "main"));
        run_here(io, add_worktree(*repo, worktree_request(tree, "task/one", base).lock("graftline one")))
            .value();
        write_file(tree / "a", "edited\r\n");
        write_file(tree / "new.bin", "precious\n");
    }
    void configure(const std::string& key, const std::string& value) { made.git("config", key, value); }

    result<std::optional<oid>> commit()
    {
        return run_here(io, commit_everything(*repo, tree, commit_request("feat: work\n")));
    }
    std::string rescued()
    {
        const auto done = run_here(io, rescue(*repo, tree, "one"));
        EXPECT_TRUE(done) << done.error().message();
        return done && *done ? **done : "none";
    }
    bool holds_it_all(const std::string& commit) { return is_raw(commit, "a") && is_raw(commit, "new.bin"); }
    bool is_raw(const std::string& commit, const std::string& path)
    {
        return made.git("rev-parse", commit + ":" + path) ==
               made.git("hash-object", "--no-filters", (tree / path).string());
    }
    bool is_nothing() { return run_here(io, holds_nothing(*repo, workplace(record, tree, true))); }

    asio::io_context io{1};
    test::test_repository made;
    fs::path info = made.git_folder() / "info/attributes";
    fs::path record = made.git_folder() / "worktrees/one";
    fs::path tree = made.root() / "trees" / "one";
    std::shared_ptr<repository> repo;
};

TEST_F(ConversionRules, AFilterThatComesLaterAndPrintsNothingTakesNothing)
{
    add();
    configure("filter.eat.clean", "true");
    configure("filter.eat.required", "true");
    write_file(tree / ".gitattributes", "*.bin filter=eat\n");
    EXPECT_TRUE(holds_it_all(rescued()));
    const auto done = commit();
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_TRUE(holds_it_all("task/one"));
}

TEST_F(ConversionRules, AFilterThatIsRedefinedCountsAsItWas)
{
    add([&] {
        configure("filter.up.clean", "tr a-z A-Z");
        configure("filter.up.smudge", "tr A-Z a-z");
        write_file(info, "*.bin filter=up\n");
    });
    configure("filter.up.clean", "true");
    EXPECT_TRUE(holds_it_all(rescued()));
    made.git("config", "extensions.worktreeConfig", "true");
    made.git_in(tree, "config", "--worktree", "filter.up.process", "false");
    const auto refused = commit();
    ASSERT_FALSE(refused) << "git takes it for the whole driver, whatever it is told";
    EXPECT_THAT(refused.error().message(), HasSubstr("filter.up.process"));
    made.git_in(tree, "config", "--worktree", "--unset", "filter.up.process");
    ASSERT_TRUE(commit());
    EXPECT_EQ(made.git("show", "task/one:new.bin"), "PRECIOUS");
}

TEST_F(ConversionRules, WhatAnAgentCommittedThroughARedefinedFilterIsSavedAsItLiesThere)
{
    add();
    configure("filter.eat.clean", "true");
    write_file(info, "* filter=eat\n");
    // Old enough for git not to look at them again.
    for (const char* name : {"a", "new.bin"})
        fs::last_write_time(tree / name, fs::file_time_type::clock::now() - std::chrono::hours(1));
    made.git_in(tree, "add", "-A");
    made.git_in(tree, "commit", "-q", "-m", "emptied");
    ASSERT_EQ(made.git("show", "task/one:new.bin"), "");
    EXPECT_FALSE(is_nothing());
    EXPECT_TRUE(holds_it_all(rescued()));
}

TEST_F(ConversionRules, AttributesOfEverybodyThatComeLaterKeepItFromBeingCommitted)
{
    add();
    write_file(tree / "new.bin", "precious\r\n");
    write_file(info, "*.bin text eol=crlf\n");
    const auto refused = commit();
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(errc::refused));
    EXPECT_THAT(refused.error().message(), HasSubstr(info.string()));
    EXPECT_EQ(made.git_in(tree, "status", "--porcelain"), " M a\n?? new.bin") << "all is as it was";
    EXPECT_TRUE(holds_it_all(rescued()));
    fs::copy_file(info, noted_attributes(record), fs::copy_options::overwrite_existing);
    EXPECT_TRUE(commit()) << "it was said that they are right";
}

TEST_F(ConversionRules, AttributesOfTheUserCountAsTheyWere)
{
    const auto file = made.root() / "everywhere";
    add([&] { configure("core.attributesFile", file.string()); });
    configure("filter.eat.clean", "true");
    write_file(file, "* filter=eat\n");
    EXPECT_TRUE(holds_it_all(rescued()));
    ASSERT_TRUE(commit());
    EXPECT_TRUE(holds_it_all("task/one"));
}

TEST_F(ConversionRules, LineEndsAreConvertedAsTheyWere)
{
    add();
    for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
             {"core.autocrlf", "input"}, {"core.eol", "crlf"}, {"core.safecrlf", "true"}})
        configure(key, value);
    EXPECT_TRUE(holds_it_all(rescued()));
    ASSERT_TRUE(commit());
    EXPECT_TRUE(holds_it_all("task/one"));
}

TEST_F(ConversionRules, ThatHaveNotChangedGoOnToCount)
{
    add([&] {
        configure("filter.store.clean", "sed s/^/stored-/");
        configure("filter.store.smudge", "sed s/^stored-//");
        write_file(info, "*.bin filter=store\n");
        configure("core.autocrlf", "input");
    });
    const auto ref = rescued();
    EXPECT_EQ(made.git("show", ref + ":new.bin"), "stored-precious");
    EXPECT_EQ(made.git("show", ref + ":a"), "edited");
    ASSERT_TRUE(commit());
    EXPECT_EQ(made.git("show", "task/one:new.bin"), "stored-precious");
    EXPECT_TRUE(is_nothing());
}

TEST_F(ConversionRules, AFilterWhoseProgramLosesContentsKeepsItFromBeingCommitted)
{
    const auto program = made.root() / "clean";
    write_file(program, "#!/bin/sh\nexec cat\n");
    fs::permissions(program, fs::perms::owner_all);
    add([&] {
        configure("filter.own.clean", program.string());
        write_file(info, "*.bin filter=own\n");
    });
    write_file(program, "#!/bin/sh\nexec true\n");
    const auto refused = commit();
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message(), HasSubstr("new.bin"));
    EXPECT_EQ(made.git_in(tree, "diff", "--cached", "--name-only"), "");
    EXPECT_TRUE(is_raw(rescued(), "new.bin"));
    write_file(program, "#!/bin/sh\nexec tr a-z b-za\n");
    EXPECT_TRUE(is_raw(rescued(), "new.bin"))
        << "what does not come back as it was is saved as it lies there";
    EXPECT_TRUE(commit()) << "a filter may do that";
}

/// A filter whose command stays as it is while the program behind it changes.
class ReplacedProgram : public ConversionRules {
protected:
    void put(const std::string& body) { put_at(program, body); }
    void put_at(const fs::path& file, const std::string& body)
    {
        write_file(file, "#!/bin/sh\n" + body + "\n");
        fs::permissions(file, fs::perms::owner_all);
    }
    void add_filtered(const std::string& body)
    {
        put(body);
        add([&] {
            configure("filter.own.clean", "'" + program.string() + "' %f");
            write_file(info, "*.bin filter=own\n");
        });
    }
    void commit_as_an_agent()
    {
        for (const char* name : {"a", "new.bin"}) // old enough for git not to look again
            fs::last_write_time(tree / name, fs::file_time_type::clock::now() - std::chrono::hours(1));
        made.git_in(tree, "add", "-A");
        made.git_in(tree, "commit", "-q", "-m", "by the agent");
    }
    rule_changes changes()
    {
        workplace place(record, tree, true);
        return run_here(io, hold_rules(*repo, place)).value();
    }

    fs::path program = made.root() / "my clean";
};

TEST_F(ReplacedProgram, WhatItMakesOfCommittedFilesIsSavedAsItLiesThere)
{
    add_filtered("exec cat");
    EXPECT_TRUE(changes().is_none());
    put("exec head -c 4");
    commit_as_an_agent();
    ASSERT_EQ(made.git("show", "task/one:new.bin"), "prec");
    EXPECT_THAT(changes().programs, testing::ElementsAre(HasSubstr(program.string())));
    EXPECT_FALSE(is_nothing());
    EXPECT_TRUE(holds_it_all(rescued()));
}

TEST_F(ReplacedProgram, WhatItMakesOfStagedFilesIsSavedAsItLiesThereAlsoWhenItFailsNow)
{
    add_filtered("exec cat");
    put("exec head -c 4");
    made.git_in(tree, "add", "-A");
    EXPECT_TRUE(holds_it_all(rescued()));
    put("exit 1");
    configure("filter.own.required", "true");
    EXPECT_TRUE(holds_it_all(rescued()));
}

TEST_F(ReplacedProgram, OneThatGivesBackWhatItGotCostsNothing)
{
    configure("filter.own.smudge", "sed s/^stored-//");
    add_filtered("exec sed s/^/stored-/");
    put("exec sed 's/^/stored-/' # the next release");
    EXPECT_FALSE(changes().is_none());
    ASSERT_TRUE(commit());
    EXPECT_EQ(made.git("show", "task/one:new.bin"), "stored-precious");
    EXPECT_EQ(rescued(), "none");
}

TEST_F(ReplacedProgram, AFilterThatLosesBytesByDesignIsLeftAloneWhileItIsTheSame)
{
    add_filtered("exec head -c 4");
    commit_as_an_agent();
    EXPECT_TRUE(changes().is_none());
    EXPECT_TRUE(is_nothing());
    EXPECT_EQ(rescued(), "none");
}

TEST_F(ReplacedProgram, FilesThatTheTaskHasNotChangedAreNotLookedAt)
{
    made.write("old.bin", "old\n");
    made.commit("old");
    add_filtered("exec cat");
    put("exec head -c 4");
    ASSERT_TRUE(commit());
    const auto ref = rescued();
    EXPECT_TRUE(is_raw(ref, "new.bin"));
    EXPECT_EQ(made.git("diff", "--name-only", "task/one", ref), "new.bin");
}

TEST_F(ReplacedProgram, AScriptOfTheTreeCountsAsItWasCheckedOut)
{
    put_at(made.top() / "tools/clean", "exec head -c 4");
    made.commit("tools");
    add([&] {
        configure("filter.own.clean", "sh tools/clean");
        write_file(info, "*.bin filter=own\n");
    });
    EXPECT_TRUE(changes().is_none());
    write_file(tree / "tools/clean", "head -c 2\n");
    EXPECT_THAT(changes().programs, testing::ElementsAre(HasSubstr("tools/clean")));
}

TEST_F(ReplacedProgram, FilesOfACommandAreThoseThatAShellWouldFind)
{
    put("exec cat");
    const auto find = [&](const std::string& text) {
        std::vector<std::string> names;
        for (const auto& file : files_of_command(text, made.top()))
            names.push_back(file.filename().string());
        return names;
    };
    EXPECT_THAT(find("'" + program.string() + "' %f"), testing::ElementsAre("my clean"));
    EXPECT_THAT(find("sh -c 'exec \"" + program.string() + "\" | cat' x"),
                testing::UnorderedElementsAre("sh", "my clean", "cat"));
    EXPECT_THAT(find("LC_ALL=C sed -e s/a/b/"), testing::ElementsAre("sed"));
    EXPECT_THAT(find("sh ./a"), testing::UnorderedElementsAre("sh", "a"));
    EXPECT_THAT(find("no-such-program-of-anybody --flag"), testing::IsEmpty());
    EXPECT_THAT(find(""), testing::IsEmpty());
}

TEST_F(ReplacedProgram, HooksAreNamedAndDecideNothing)
{
    const auto hooks = made.git_folder() / "hooks";
    put_at(hooks / "post-merge", "exit 0");
    add();
    EXPECT_THAT(changes().hooks, testing::IsEmpty());
    put_at(hooks / "post-merge", "exit 1");
    put_at(hooks / "pre-commit", "exit 0");
    EXPECT_THAT(changes().hooks, testing::UnorderedElementsAre((hooks / "post-merge").string(),
                                                               (hooks / "pre-commit").string()));
    EXPECT_TRUE(changes().is_none());
    ASSERT_TRUE(commit());
    EXPECT_TRUE(is_nothing());
    configure("core.hooksPath", (made.root() / "others").string());
    EXPECT_THAT(changes().hooks, testing::Contains((made.root() / "others").string()));
}

TEST_F(ConversionRules, OfARepositoryInsideTakeNothing)
{
    add();
    made.git("init", "-q", (tree / "sub").string());
    write_file(tree / "sub/inner.bin", "inner\n");
    made.git_in(tree / "sub", "config", "filter.eat.clean", "true");
    write_file(tree / "sub/.git/info/attributes", "* filter=eat\n");
    const auto ref = rescued();
    EXPECT_EQ(made.git("show", ref + ".nested/1:inner.bin"), "inner");
}

} // namespace
} // namespace graftline::git
