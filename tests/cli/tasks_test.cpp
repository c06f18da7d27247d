#include "tests/cli/program.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::test {
namespace {

using testing::HasSubstr;

std::string field(const boost::json::value& of, const char* name)
{
    const auto& value = of.at(name);
    return value.is_string() ? std::string(value.as_string()) : "";
}

TEST(status, makes_no_state_where_there_is_none)
{
    desk d;
    const auto answer = d.graftline({"status"});
    EXPECT_EQ(answer.status, 0) << answer.err;
    EXPECT_THAT(answer.out, HasSubstr("No tasks"));
    const auto json = d.graftline({"status", "--json"}).json();
    EXPECT_TRUE(json.at("tasks").as_array().empty());
    EXPECT_TRUE(json.at("runs").as_array().empty());
    EXPECT_FALSE(std::filesystem::exists(d.repository.git_folder() / "graftline"));
    EXPECT_EQ(d.graftline({"land", "--all"}).status, 0);
    EXPECT_EQ(d.graftline({"clean", "--dry-run"}).status, 0);
}

TEST(tasks, made_by_hand_are_worked_in_committed_and_landed)
{
    desk d;
    const auto made = d.graftline({"create", "Try it", "--json"});
    ASSERT_EQ(made.status, 0) << made.err;
    const auto task = made.json();
    const auto id = field(task, "id");
    EXPECT_EQ(field(task, "state"), "pending");

    const auto shell =
        d.graftline({"shell", id, "sh", "-c",
                     "echo new > new.txt; echo more >> greeting.txt; echo $GRAFTLINE_BRANCH; exit 9"});
    EXPECT_EQ(shell.status, 9) << shell.err;
    EXPECT_EQ(shell.out, field(task, "branch") + "\n");

    const auto diff = d.graftline({"diff", id.substr(0, 5)});
    EXPECT_EQ(diff.status, 0) << diff.err;
    EXPECT_THAT(diff.out, HasSubstr("+more"));
    EXPECT_THAT(diff.out, HasSubstr("+new")) << "files that git does not know yet are part of it";
    EXPECT_EQ(d.repository.git_in(field(task, "worktree"), "status", "--short"),
              " M greeting.txt\n?? new.txt");

    const auto committed = d.graftline({"commit", id, "-m", "try it", "--scope", "core"});
    EXPECT_EQ(committed.status, 0) << committed.err;
    EXPECT_EQ(d.graftline({"diff", id, "--stat"}).out.find("new.txt") == std::string::npos, false);
    const auto landed = d.graftline({"land", id, "--json"});
    EXPECT_EQ(landed.status, 0) << landed.err;
    EXPECT_EQ(landed.json().at("merged"), 1);
    EXPECT_EQ(d.repository.git("show", "main:new.txt"), "new");
    EXPECT_THAT(d.repository.git("log", "--format=%s", "main"), HasSubstr("feat(core): try it"));
    EXPECT_EQ(d.graftline({"shell", id, "true"}).status, 2) << "it has no worktree any more";
    EXPECT_THAT(d.graftline({"diff", id}).out, HasSubstr("+more")) << "also after it has landed";
}

TEST(tasks, conflicts_are_named_with_the_way_out)
{
    desk d;
    const auto agent = d.script("agent", "echo \"$GRAFTLINE_TASK\" > greeting.txt; sleep 1\n");
    const auto answer = d.graftline({"run", "Bonjour", "Hola", "--land", "--max", "2", "--", agent});
    EXPECT_EQ(answer.status, 1) << answer.err;
    EXPECT_THAT(answer.out, HasSubstr("1 conflicted, 1 merged"));
    EXPECT_THAT(answer.out, HasSubstr("greeting.txt"));
    EXPECT_THAT(answer.out, HasSubstr("next: graftline retry"));
    const auto again = d.graftline({"retry", "nothing-like-it"});
    EXPECT_EQ(again.status, 2);
}

TEST(tasks, are_shown_in_full)
{
    desk d;
    const auto agent = d.script("agent", "echo out line; echo err line >&2; echo x > made.txt\n");
    const auto id =
        field(d.graftline({"run", "Make it", "--json", "--", agent}).json().at("tasks").at(0), "id");
    const auto shown = d.graftline({"status", id});
    EXPECT_EQ(shown.status, 0) << shown.err;
    for (const auto* part : {"completed", "Make it", "made.txt", "graftline land", "branch"})
        EXPECT_THAT(shown.out, HasSubstr(part));
    EXPECT_EQ(d.graftline({"logs", id}).out, "out line\n");
    EXPECT_EQ(d.graftline({"logs", id, "--stderr"}).out, "err line\n");
    EXPECT_EQ(d.graftline({"logs", id, "-f"}).out, "out line\n");
    EXPECT_EQ(d.graftline({"discard", id}).status, 0);
    EXPECT_EQ(d.graftline({"land", id}).status, 2) << "it is over";
    EXPECT_THAT(d.graftline({"completion", "tasks"}).out, HasSubstr(id + "\tdiscarded: Make it"));
}

TEST(diff, runs_nothing_that_the_configuration_names)
{
    desk d;
    const auto spy = d.script("spy", "touch '" + (d.repository.root() / "was-run").string() + "'; cat\n");
    const auto id = field(d.graftline({"create", "Look", "--json"}).json(), "id");
    write_file(d.repository.top() / ".git/info/attributes", "*.txt filter=spy diff=spy\n");
    for (const std::string key : {"filter.spy.clean", "diff.spy.command", "diff.spy.textconv",
                                  "diff.external", "core.pager", "core.fsmonitor"})
        d.repository.git("config", key, spy);
    d.graftline({"shell", id, "sh", "-c", "echo changed > greeting.txt; echo new > other.txt"});
    std::filesystem::remove(d.repository.root() / "was-run");
    const auto diff = d.graftline({"diff", id});
    EXPECT_EQ(diff.status, 0) << diff.err;
    EXPECT_THAT(diff.out, HasSubstr("+changed"));
    EXPECT_EQ(d.graftline({"status", id}).status, 0);
    EXPECT_FALSE(std::filesystem::exists(d.repository.root() / "was-run"));
}

TEST(diff, shows_what_was_not_ignored_when_the_worktree_was_made)
{
    desk d;
    const auto id = field(d.graftline({"create", "Look", "--json"}).json(), "id");
    d.graftline({"shell", id, "sh", "-c", "echo new > other.txt; echo out > out.o"});
    const auto before = d.graftline({"diff", id}).out;
    EXPECT_THAT(before, HasSubstr("other.txt"));
    write_file(d.repository.top() / ".git/info/exclude", "other*\n");
    EXPECT_EQ(d.graftline({"diff", id}).out, before);
    const auto spy = d.script("spy", "touch '" + (d.repository.root() / "was-run").string() + "'; cat\n");
    d.repository.git("config", "filter.spy.clean", spy);
    const auto more = field(d.graftline({"create", "Filtered", "--json"}).json(), "id");
    d.graftline(
        {"shell", more, "sh", "-c", "echo changed > greeting.txt; echo '* filter=spy' > .gitattributes"});
    d.repository.git("config", "--unset", "filter.spy.clean");
    EXPECT_THAT(d.graftline({"diff", more}).out, HasSubstr("+changed"));
    EXPECT_EQ(d.graftline({"check"}).status, 0);
    EXPECT_FALSE(std::filesystem::exists(d.repository.root() / "was-run"))
        << "one that was noted is not run either";
    EXPECT_TRUE(std::filesystem::is_empty(d.repository.top() / ".git/graftline/scratch"));
}

TEST(diff, of_a_task_whose_folder_is_away_says_so)
{
    desk d;
    const auto task = d.graftline({"create", "Look", "--json"}).json();
    const auto id = field(task, "id");
    const std::filesystem::path folder = field(task, "worktree");
    d.graftline({"shell", id, "sh", "-c",
                 "echo new > other.txt; git add .; git commit -qm other; echo left > left.txt"});
    std::filesystem::rename(folder, d.repository.root() / "away");
    const auto shown = d.graftline({"diff", id});
    EXPECT_THAT(shown.out, HasSubstr("other.txt"));
    EXPECT_THAT(shown.err, HasSubstr(folder.string()));
    const auto refused = d.graftline({"commit", id, "-m", "mine"});
    EXPECT_NE(refused.status, 0);
    EXPECT_THAT(refused.err, HasSubstr(folder.string()));
    EXPECT_EQ(d.repository.git("log", "-1", "--format=%s", field(task, "branch")), "other");
}

TEST(doctor, says_which_agents_are_installed_and_that_their_files_have_a_place)
{
    desk d;
    const std::filesystem::path program =
        d.script("claude", "[ \"$1\" = --version ] && echo '2.1.332 (Claude Code)'\n");
    const auto with = [&](const std::string& name, const std::string& value) {
        auto c = d.prepared(d.repository.top(), {"doctor"});
        c.set(name, value);
        const auto output = run_here(run(std::move(c))).value();
        return said{shell_code(output.status), output.out, output.err};
    };
    const auto path = program.parent_path().string() + ":" + std::getenv("PATH");
    EXPECT_THAT(with("PATH", path).out, HasSubstr("claude (2.1.332 (Claude Code))"));
    for (const auto* wrong : {"/nonexistent", "relative", "/dev/null"}) {
        const auto answer = with("TMPDIR", wrong);
        EXPECT_EQ(answer.status, 3) << wrong;
        EXPECT_THAT(answer.out, HasSubstr(wrong));
    }
}

TEST(doctor, says_what_is_here)
{
    desk d;
    const auto answer = d.graftline({"doctor"});
    EXPECT_EQ(answer.status, 0) << answer.out;
    for (const auto* what : {"git", "worktrees", "pidfd", "inotify", "cgroup", "disk", "agent claude"})
        EXPECT_THAT(answer.out, HasSubstr(what));
    EXPECT_TRUE(d.graftline({"doctor", "--json"}).json().at("usable").as_bool());
}

} // namespace
} // namespace graftline::test
