#include "graftline/agents/config/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace graftline::agents {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

settings read(std::string_view text)
{
    settings s;
    read_settings(text, "graftline.toml", s).value();
    return s;
}

std::string why_not(std::string_view text)
{
    settings s;
    const auto done = read_settings(text, "graftline.toml", s);
    return done ? "it was read" : done.error().message();
}

TEST(Settings, are_all_read)
{
    const auto s = read(R"(
[run]
max = 3
base = "origin/main"
target = "main"
land = "squash"
on_overlap = "ask"
on_conflict = "retry"
agent = "claude"
profile = "coditect"
timeout = "1h30m"
grace = 5
fail_fast = true
keep_worktrees = false
[gate]
commands = [["make", "test"], "make 'the lint'"]
[worktree]
path = "../{repo}.worktrees/{slug}-{id}"
branch = "task/{slug}-{id}"
strategy = "checkout"
copy = [".env"]
link = ["node_modules"]
setup = [["npm", "ci"]]
[commit]
type = "chore"
scope = "web"
trailers = ["Co-Authored-By: A <a@b.c>"]
[landing]
merge_message = "Merge {id}"
squash_message = "{description}"
[limits]
cpu = 80
memory = 75.5
disk_free = "2GiB"
log = 1000
)");
    EXPECT_EQ(s.run.max, 3U);
    EXPECT_EQ(s.run.base, "origin/main");
    EXPECT_EQ(s.run.target, "main");
    EXPECT_EQ(s.run.land, "squash");
    EXPECT_EQ(s.run.on_overlap, "ask");
    EXPECT_EQ(s.run.on_conflict, "retry");
    EXPECT_EQ(s.run.agent, "claude");
    EXPECT_EQ(s.run.profile, "coditect");
    EXPECT_EQ(s.run.timeout, 90min);
    EXPECT_EQ(s.run.grace, 5s);
    EXPECT_EQ(s.run.fail_fast, true);
    EXPECT_EQ(s.run.keep_worktrees, false);
    EXPECT_THAT(s.gate.commands, ElementsAre(ElementsAre("make", "test"), ElementsAre("make", "the lint")));
    EXPECT_EQ(s.worktree.branch, "task/{slug}-{id}");
    EXPECT_THAT(s.worktree.copy, ElementsAre(".env"));
    EXPECT_THAT(s.worktree.setup, ElementsAre(ElementsAre("npm", "ci")));
    EXPECT_EQ(s.commit.type, "chore");
    EXPECT_THAT(s.commit.trailers, ElementsAre("Co-Authored-By: A <a@b.c>"));
    EXPECT_EQ(s.landing.merge_message, "Merge {id}");
    EXPECT_EQ(s.limits.memory, 75.5);
    EXPECT_EQ(s.limits.disk_free, 2ULL << 30);
    EXPECT_EQ(s.limits.log, 1000U);
}

TEST(Settings, that_say_nothing_are_fine)
{
    EXPECT_FALSE(read("").run.max);
    EXPECT_EQ(read("# nothing\n").worktree.strategy, "checkout");
}

TEST(Settings, refuse_unknown_names_and_tell_the_near_one)
{
    EXPECT_EQ(why_not("[gate]\ncomands = []\n"),
              "graftline.toml:2:1: unknown key 'comands' in [gate]; did you mean 'commands'?");
    EXPECT_EQ(why_not("[runn]\nmax = 1\n"), "graftline.toml:1:2: unknown key 'runn'; did you mean 'run'?");
    EXPECT_THAT(why_not("[run]\nzzz = 1\n"), HasSubstr("2:1: unknown key 'zzz' in [run]"));
    EXPECT_THAT(why_not("[agents.x]\ncommand = ['x']\npromt = 'file'\n"),
                HasSubstr("3:1: unknown key 'promt' in [agents.x]; did you mean 'prompt'?"));
}

TEST(Settings, refuse_wrong_types_and_values)
{
    EXPECT_EQ(why_not("[run]\nmax = 'five'\n"),
              "graftline.toml:2:7: 'max' in [run] must be a whole number from 1 to 1000, not a string");
    EXPECT_THAT(why_not("[run]\nmax = 0\n"), HasSubstr("not 0"));
    EXPECT_THAT(why_not("[run]\nland = 'merg'\n"),
                HasSubstr("must be one of merge, squash, rebase, not 'merg'; did you mean 'merge'?"));
    EXPECT_THAT(why_not("[run]\nfail_fast = 1\n"), HasSubstr("must be true or false, not a number"));
    EXPECT_THAT(why_not("[gate]\ncommands = ['make', 'test']\n"), HasSubstr("[[\"make\", \"test\"]]"));
    EXPECT_THAT(why_not("[gate]\ncommands = [[]]\n"), HasSubstr("must name a program"));
    EXPECT_THAT(why_not("[gate]\ncommands = [\"make 'x\", ['y']]\n"), HasSubstr("not closed"));
    EXPECT_THAT(why_not("[worktree]\ncopy = ['../secret']\n"), HasSubstr("not a path inside the repository"));
    EXPECT_THAT(why_not("[worktree]\nstrategy = 'magic'\n"), HasSubstr("must be one of checkout"));
    EXPECT_THAT(why_not("[commit]\ntrailers = ['no colon']\n"), HasSubstr("Key: value"));
    EXPECT_THAT(why_not("[limits]\ncpu = 800\n"), HasSubstr("from 1 to 100, not 800"));
    EXPECT_THAT(why_not("[limits]\ndisk_free = 'lots'\n"), HasSubstr("is not a size"));
    EXPECT_THAT(why_not("[run]\nidle_timeout = '0s'\n"), HasSubstr("must be longer than nothing"));
    EXPECT_THAT(why_not("[gate]\ntimeout = 0\n"), HasSubstr("must be longer than nothing"));
    EXPECT_THAT(why_not("run = 5\n"), HasSubstr("[run] must be a table, not a number"));
    EXPECT_THAT(why_not("[run\n"), HasSubstr("graftline.toml:1:"));
}

TEST(Settings, that_are_refused_change_nothing)
{
    settings s;
    s.run.max = 7;
    EXPECT_FALSE(read_settings("[run]\nmax = 3\nbad = 1\n", "f", s));
    EXPECT_EQ(s.run.max, 7U);
}

TEST(Settings, describe_agents)
{
    const auto s =
        read("[agents.mine]\ncommand = \"my-agent --task {prompt}\"\nenv = {KEY = \"v\"}\nrules = true\n"
             "[agents.quiet]\ncommand = [\"quiet\"]\noutput = \"codex\"\nprompt = \"file\"\n");
    const auto& mine = s.agents.at("mine");
    EXPECT_EQ(mine.name, "mine");
    EXPECT_THAT(mine.command, ElementsAre("my-agent", "--task", "{prompt}"));
    EXPECT_EQ(mine.prompt, prompt_via::words);
    EXPECT_EQ(mine.output, output_format::plain);
    EXPECT_EQ(mine.env.at("KEY"), "v");
    EXPECT_TRUE(mine.wants_rules);
    EXPECT_EQ(s.agents.at("quiet").output, output_format::codex);
    EXPECT_EQ(s.agents.at("quiet").prompt, prompt_via::file);
}

TEST(Settings, change_presets)
{
    const auto s = read("[agents.claude]\nargs = [\"--model\", \"opus\"]\n[agents.codex]\ncommand = "
                        "[\"codex\", \"{prompt}\"]\n");
    const auto& claude = s.agents.at("claude");
    EXPECT_EQ(claude.command.front(), "claude");
    EXPECT_EQ(claude.command.back(), "opus");
    EXPECT_EQ(claude.output, output_format::claude);
    EXPECT_EQ(s.agents.at("codex").prompt, prompt_via::words);
    EXPECT_EQ(s.agents.at("codex").output, output_format::codex);
}

TEST(Settings, refuse_agents_that_cannot_be)
{
    EXPECT_THAT(why_not("[agents.mine]\noutput = 'plain'\n"),
                HasSubstr("'command' in [agents.mine] is missing"));
    EXPECT_THAT(why_not("[agents.mine]\ncommand = []\n"), HasSubstr("must name a program"));
    EXPECT_THAT(why_not("[agents.'a:b']\ncommand = ['x']\n"), HasSubstr("'a:b' is not a name for an agent"));
    EXPECT_THAT(why_not("[agents]\nmine = 'x'\n"), HasSubstr("must be a table"));
    EXPECT_THAT(why_not("[agents.mine]\ncommand = ['x']\nenv = {GRAFTLINE_TASK = 'x'}\n"),
                HasSubstr("graftline sets itself"));
}

class SettingsFiles : public testing::Test {
protected:
    SettingsFiles() { fs::create_directories(folder_); }
    ~SettingsFiles() override { fs::remove_all(folder_); }
    fs::path write(const char* name, const char* text) const
    {
        std::ofstream(folder_ / name) << text;
        return folder_ / name;
    }
    fs::path folder_ = fs::temp_directory_path() / ("graftline-settings-" + std::to_string(::getpid()));
};

TEST_F(SettingsFiles, of_the_user_win_over_those_of_the_repository)
{
    const auto repository = write(
        "graftline.toml",
        "[run]\nmax = 2\nbase = 'dev'\n[agents.a]\ncommand = ['repo']\n[agents.b]\ncommand = ['repo']\n");
    const auto user = write("config.toml", "[run]\nmax = 9\n[agents.a]\ncommand = ['user']\n");
    const auto s = load_settings(repository, user).value();
    EXPECT_EQ(s.run.max, 9U);
    EXPECT_EQ(s.run.base, "dev");
    EXPECT_EQ(s.agents.at("a").command.front(), "user");
    EXPECT_EQ(s.agents.at("b").command.front(), "repo");
}

TEST_F(SettingsFiles, need_not_be_there_but_must_be_readable)
{
    EXPECT_TRUE(load_settings(std::nullopt, folder_ / "none.toml"));
    EXPECT_TRUE(load_settings(folder_ / "none.toml", folder_ / "none" / "none.toml"));
    EXPECT_TRUE(load_settings(folder_, folder_ / "none.toml").error().is(errc::invalid))
        << "a folder is no file";
    const auto bad = write("bad.toml", "[run]\nmaxx = 1\n");
    EXPECT_THAT(load_settings(bad, folder_ / "none.toml").error().message(),
                HasSubstr("bad.toml:2:1: unknown key 'maxx'"));
}

} // namespace
} // namespace graftline::agents
