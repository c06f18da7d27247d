// Filters and other conversions that somebody changes while a worktree is worked in: no byte is lost to them.
#include "graftline/git/commit.hpp"
#include "graftline/git/holds_nothing.hpp"
#include "graftline/git/noted_rules.hpp"
#include "graftline/git/repository.hpp"
#include "graftline/git/rescue.hpp"
#include "graftline/git/worktree.hpp"

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
