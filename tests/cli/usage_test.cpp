#include "graftline/cli/arguments/arguments.hpp"

#include "tests/cli/program.hpp"
#include "tests/support/hang_guard.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::test {
namespace {

using testing::HasSubstr;

TEST(usage, wrong_words_are_named_and_exit_with_2)
{
    desk d;
    const std::vector<std::pair<std::vector<std::string>, std::string>> wrong{
        {{}, "Usage"},
        {{"frobnicate"}, "frobnicate"},
        {{"run"}, "at least one task"},
        {{"run", "--colour", "x"}, "--colour"},
        {{"run", "x", "--max", "0", "--", "true"}, "--max"},
        {{"run", "x", "--max", "many", "--", "true"}, "--max"},
        {{"run", "x", "--land=sideways", "--", "true"}, "sideways"},
        {{"run", "x", "--on-conflict", "maybe", "--", "true"}, "--on-conflict"},
        {{"run", "x", "--land=cherry", "--", "true"}, "merge, squash or rebase"},
        {{"run", "x", "--on-overlap", "panic", "--", "true"}, "--on-overlap"},
        {{"run", "x", "--timeout", "soon", "--", "true"}, "soon"},
        {{"run", "x", "--gate", "make 'test", "--", "true"}, "make 'test"},
        {{"run", "", "--", "true"}, "task"},
        {{"run", "x", "--profile", "nobody", "--", "true"}, "nobody"},
        {{"run", "x", "--agent", "nobody"}, "nobody"},
        {{"run", "x", "--base", "no-such-branch", "--", "true"}, "no-such-branch"},
        {{"run", "x", "--target", "no-such-branch", "--", "true"}, "no-such-branch"},
        {{"run", "--from", "no-such-file", "--", "true"}, "no-such-file"},
        {{"run", "x"}, "agent"},
        {{"run", "x", "--timeout", "0", "--", "true"}, "--timeout must be longer than nothing"},
        {{"run", "-x", "--", "true"}, "unknown option -x"},
        {{"create"}, "one task"},
        {{"create", "a", "b"}, "one task"},
        {{"status", "nothing"}, "nothing"},
        {{"status", "--", "x"}, "--"},
        {{"logs"}, "TASK"},
        {{"land"}, "--all"},
        {{"land", "x", "--all"}, "not both"},
        {{"land", "--all", "--mode", "sideways"}, "sideways"},
        {{"undo"}, "TASK"},
        {{"commit", "x"}, "--message"},
        {{"completion", "tcsh"}, "tcsh"},
        {{"-C", "/no/such/folder", "status"}, "/no/such/folder"},
    };
    for (const auto& [words, named] : wrong) {
        const auto answer = d.graftline(words);
        EXPECT_EQ(answer.status, 2) << testing::PrintToString(words) << answer.err;
        EXPECT_THAT(answer.err, HasSubstr(named)) << testing::PrintToString(words);
        EXPECT_EQ(answer.out, "") << testing::PrintToString(words);
    }
    EXPECT_FALSE(std::filesystem::exists(d.repository.git_folder() / "graftline"))
        << "nothing is left behind";
}

TEST(usage, a_line_of_a_list_is_a_task)
{
    desk d;
    const auto answer = d.graftline({"run", "- fix the menu", "--json", "--", "true"});
    EXPECT_EQ(answer.status, 0) << answer.err;
    EXPECT_EQ(answer.json().at("tasks").at(0).at("description"), "- fix the menu");
}

TEST(usage, without_a_repository_it_exits_with_3)
{
    desk d;
    for (const auto& words : std::vector<std::vector<std::string>>{
             {"status"}, {"run", "x", "--", "true"}, {"land", "--all"}, {"clean"}, {"doctor"}}) {
        const auto answer = d.graftline_in(d.repository.root(), words);
        EXPECT_EQ(answer.status, 3) << words.front() << answer.err;
        EXPECT_THAT(answer.err + answer.out, HasSubstr("repository"));
    }
}

TEST(usage, every_command_helps_with_an_example)
{
    desk d;
    const auto commands = cli::describe_commands();
    EXPECT_EQ(commands.size(), 19u);
    const auto overview = d.graftline({"--help"});
    EXPECT_EQ(overview.status, 0);
    EXPECT_THAT(overview.out, HasSubstr("Example"));
    for (const auto& c : commands) {
        EXPECT_THAT(overview.out, HasSubstr(c.name));
        const auto help = d.graftline({c.name, "--help"});
        EXPECT_EQ(help.status, 0) << c.name;
        EXPECT_THAT(help.out, HasSubstr("Usage: graftline " + c.name));
        EXPECT_THAT(help.out, HasSubstr("Example:\n  ")) << c.name;
        EXPECT_THAT(help.out, HasSubstr("graftline " + c.name)) << c.name;
    }
    EXPECT_THAT(d.graftline({"--version"}).out, HasSubstr("graftline "));
}

TEST(usage, completion_scripts_are_scripts)
{
    desk d;
    for (const std::string shell : {"bash", "zsh", "fish"}) {
        const auto script = d.graftline({"completion", shell});
        EXPECT_EQ(script.status, 0);
        EXPECT_THAT(script.out, HasSubstr("discard"));
        EXPECT_THAT(script.out, HasSubstr("keep-worktrees"));
    }
    const auto file = d.repository.root() / "completion.bash";
    write_file(file, d.graftline({"completion", "bash"}).out);
    write_file(d.repository.root() / "try",
               "source '" + file.string() +
                   "'\nCOMP_WORDS=(graftline la) COMP_CWORD=1; _graftline\n"
                   "echo \"${COMPREPLY[*]}\"\n"
                   "COMP_WORDS=(graftline run --on-overlap s) COMP_CWORD=3; _graftline\n"
                   "echo \"${COMPREPLY[*]}\"\n");
    const auto output = run_here(run(command("bash").args((d.repository.root() / "try").string()))).value();
    EXPECT_EQ(output.out, "land\nserialize\n") << output.err;
}

TEST(usage, everything_after_the_dashes_is_the_agents)
{
    auto parsed =
        cli::parse({"run", "--land", "Do this", "[a,b]", "status", "--", "agent", "--max", "-C", "--"}, "1");
    const auto& what = std::get<cli::invocation>(parsed).what;
    const auto& run = std::get<cli::run_arguments>(what);
    EXPECT_EQ(run.tasks, (std::vector<std::string>{"Do this", "[a,b]", "status"}));
    EXPECT_EQ(run.how.land, "merge");
    EXPECT_EQ(run.how.command, (std::vector<std::string>{"agent", "--max", "-C", "--"}));
}

TEST(usage, gates_are_one_word_each)
{
    auto parsed = cli::parse({"run", "--gate", "make test", "Task", "--gate", "[ -f x ]", "--max", "3"}, "1");
    const auto& run = std::get<cli::run_arguments>(std::get<cli::invocation>(parsed).what);
    EXPECT_EQ(run.how.gates, (std::vector<std::string>{"make test", "[ -f x ]"}));
    EXPECT_EQ(run.tasks, std::vector<std::string>{"Task"});
    EXPECT_EQ(run.max, 3u);
}

TEST(usage, a_shells_command_is_taken_as_it_is)
{
    auto parsed = cli::parse({"-C", "/x", "shell", "-v", "3fa9", "git", "log", "--json", "-C"}, "1");
    const auto& given = std::get<cli::invocation>(parsed);
    const auto& shell = std::get<cli::shell_arguments>(given.what);
    EXPECT_EQ(given.common.folder, "/x");
    EXPECT_TRUE(given.common.verbose);
    EXPECT_EQ(shell.task, "3fa9");
    EXPECT_EQ(shell.command, (std::vector<std::string>{"git", "log", "--json", "-C"}));
}

} // namespace
} // namespace graftline::test
