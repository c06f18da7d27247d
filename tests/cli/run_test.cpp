#include "tests/cli/program.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::test {
namespace {

using testing::HasSubstr;
using testing::Not;

const char* const task_fields[] = {
    "id",         "key",        "description", "agent",      "state",    "branch", "base",      "target",
    "worktree",   "commit",     "landed",      "exit_code",  "signal",   "reason", "conflicts", "files",
    "created_at", "started_at", "finished_at", "duration_s", "attempts", "usage",  "log"};

void expect_task(const boost::json::value& task)
{
    for (const auto* field : task_fields)
        EXPECT_TRUE(task.as_object().contains(field)) << field;
}

TEST(run, lands_and_says_so)
{
    desk d;
    const auto agent =
        d.script("agent", "echo working; echo \"$GRAFTLINE_TASK\" > \"$GRAFTLINE_TASK_ID.txt\"\n");
    const auto answer = d.graftline({"run", "Add one", "Add two", "--land", "--", agent});
    EXPECT_EQ(answer.status, 0) << answer.err;
    EXPECT_THAT(answer.out, HasSubstr("2 merged"));
    EXPECT_THAT(answer.err, HasSubstr(": running (Add one)"));
    EXPECT_THAT(answer.err, HasSubstr(": merged (main is "));
    EXPECT_THAT(answer.err, Not(HasSubstr("\x1b"))) << "no terminal, no control sequences";
    EXPECT_EQ(d.repository.git("rev-list", "--count", "--no-merges", "main"), "3");
    EXPECT_EQ(d.repository.git("worktree", "list").find('\n'), std::string::npos);
}

TEST(run, lands_where_a_file_is_called_HEAD)
{
    desk d;
    const auto agent = d.script("agent", "echo x > \"$GRAFTLINE_TASK\"\n");
    d.repository.write("HEAD", "the user's own\n");
    EXPECT_EQ(d.graftline({"run", "one", "--land", "--", agent}).status, 0);
    std::filesystem::remove(d.repository.top() / "HEAD");
    EXPECT_EQ(d.graftline({"run", "HEAD", "--land", "--", agent}).status, 0);
    EXPECT_EQ(d.graftline({"run", "two", "--land=rebase", "--", agent}).status, 0);
    EXPECT_EQ(d.repository.git("status", "--porcelain"), "");
    EXPECT_EQ(d.repository.git("ls-tree", "--name-only", "main", "--", "HEAD", "one", "two"),
              "HEAD\none\ntwo");
}

TEST(run, from_a_linked_worktree_it_lands_on_the_branch_that_is_checked_out_there)
{
    desk d;
    const auto linked = d.repository.root() / "linked";
    d.repository.git("worktree", "add", "-q", "-b", "side", linked.string());
    const auto main_was = d.repository.git("rev-parse", "main");
    const auto answer = d.graftline_in(
        linked, {"run", "Add one", "--land", "--json", "--", d.script("agent", "echo more > more.txt\n")});
    EXPECT_EQ(answer.status, 0) << answer.err;
    EXPECT_EQ(answer.json().at("target"), "side");
    EXPECT_EQ(d.repository.git("rev-parse", "main"), main_was);
    EXPECT_EQ(read_file(linked / "more.txt"), "more\n");
    EXPECT_EQ(d.repository.git_in(linked, "status", "--porcelain"), "");
}

TEST(run, json_is_all_that_standard_output_gets)
{
    desk d;
    const auto agent =
        d.script("agent", "echo x >> greeting.txt\ncase $GRAFTLINE_TASK in Fail) exit 7;; esac\n");
    const auto answer = d.graftline({"run", "Fail", "Work", "--land=squash", "--json", "--", agent});
    EXPECT_EQ(answer.status, 1) << answer.err;
    const auto report = answer.json();
    for (const auto* field :
         {"run", "target", "duration_s", "merged", "completed", "failed", "conflicted", "cancelled"})
        EXPECT_TRUE(report.as_object().contains(field)) << field;
    EXPECT_EQ(report.at("merged"), 1);
    EXPECT_EQ(report.at("failed"), 1);
    EXPECT_EQ(report.at("target"), "main");
    const auto& tasks = report.at("tasks").as_array();
    ASSERT_EQ(tasks.size(), 2u);
    for (const auto& t : tasks)
        expect_task(t);
    EXPECT_EQ(tasks[0].at("state"), "failed");
    EXPECT_EQ(tasks[0].at("exit_code"), 7);
    EXPECT_EQ(tasks[1].at("state"), "merged");
    EXPECT_TRUE(tasks[1].at("worktree").is_null());
    EXPECT_TRUE(tasks[1].at("landed").is_string());

    const auto status = d.graftline({"status", "--json"});
    EXPECT_EQ(status.status, 0);
    EXPECT_EQ(status.json().at("tasks").as_array().size(), 2u);
    EXPECT_EQ(status.json().at("runs").as_array().size(), 1u);
    for (const auto* field :
         {"cpu_percent", "memory_percent", "memory_available_gb", "disk_percent", "disk_free_gb"})
        EXPECT_TRUE(status.json().at("resources").as_object().contains(field)) << field;
}

TEST(run, a_failed_agents_last_words_are_in_the_summary)
{
    desk d;
    const auto agent = d.script("agent", "for i in 1 2 3 4 5 6 7; do echo \"line $i\" >&2; done; exit 3\n");
    const auto answer = d.graftline({"run", "Fail", "--", agent});
    EXPECT_EQ(answer.status, 1);
    EXPECT_THAT(answer.out, HasSubstr("| line 7"));
    EXPECT_THAT(answer.out, HasSubstr("| line 3"));
    EXPECT_THAT(answer.out, Not(HasSubstr("| line 2\n")));
    EXPECT_THAT(answer.out, HasSubstr("graftline retry "));
    EXPECT_THAT(answer.out, HasSubstr("exit status 3"));
}

TEST(run, a_gate_that_fails_is_named_with_its_words)
{
    desk d;
    const auto agent = d.script("agent", "echo x > new.txt\n");
    const auto gate = d.script("gate", "echo 'the tests are red'; exit 2\n");
    const auto answer = d.graftline({"run", "Work", "--land", "--gate", gate, "--", agent});
    EXPECT_EQ(answer.status, 1);
    EXPECT_THAT(answer.out, HasSubstr("gate failed"));
    EXPECT_THAT(answer.out, HasSubstr("| the tests are red"));
    EXPECT_THAT(answer.out, HasSubstr("graftline land "));
    EXPECT_EQ(d.repository.git("rev-list", "--count", "main"), "1");
}

TEST(run, an_empty_repository_is_said_to_be_one)
{
    test_repository empty;
    desk d;
    const auto answer = d.graftline_in(empty.top(), {"run", "x", "--", "true"});
    EXPECT_EQ(answer.status, 2) << answer.err;
    EXPECT_THAT(answer.err, HasSubstr("commit"));
    EXPECT_THAT(answer.err, Not(HasSubstr("internal")));
}

TEST(run, a_program_that_is_not_there_leaves_nothing_behind)
{
    desk d;
    const auto answer = d.graftline({"run", "Work", "--json", "--", "no-such-program-anywhere"});
    EXPECT_EQ(answer.status, 3);
    EXPECT_THAT(answer.err, HasSubstr("no-such-program-anywhere"));
    EXPECT_EQ(answer.out, "");
    EXPECT_EQ(d.repository.git("branch", "--list"), "* main");
}

TEST(run, long_and_strange_descriptions_work_or_are_refused)
{
    desk d;
    const auto agent = d.script("agent", "echo x > new.txt\n");
    const auto longest = d.graftline({"run", std::string(10'000, 'x') + " end", "--json", "--", agent});
    EXPECT_EQ(longest.status, 0) << longest.err;
    EXPECT_EQ(longest.json().at("tasks").at(0).at("description").as_string().size(), 10'004u);

    const auto emoji = d.graftline({"run", "🚀 Füge 日本語 hinzu 👩‍💻", "--land", "--", agent});
    EXPECT_EQ(emoji.status, 0) << emoji.err;
    EXPECT_THAT(emoji.out, HasSubstr("🚀 Füge 日本語"));

    for (const std::string text : {"ring\x07 the bell", "\x1b[2J", "   "}) {
        const auto refused = d.graftline({"run", text, "--", agent});
        EXPECT_EQ(refused.status, 2) << refused.err;
        EXPECT_THAT(refused.err, Not(HasSubstr("\x1b")));
        EXPECT_THAT(refused.err, Not(HasSubstr("\x07")));
    }
}

TEST(run, no_name_from_outside_moves_the_cursor)
{
    desk d;
    write_file(d.repository.top() / "graftline.toml",
               "[worktree]\npath = \"../\\u001b[2Jtrees/{slug}-{id}\"\n");
    const auto agent = d.script("agent", "echo x > x; exit 3\n");
    const auto answer = d.graftline({"run", "Work", "--", agent});
    const auto tasks = d.graftline({"status", "--json"}).json().at("tasks");
    const auto& t = tasks.at(0);
    ASSERT_THAT(std::string(t.at("worktree").as_string()), HasSubstr("\x1b[2J"));
    const auto shown = d.graftline({"status", std::string(t.at("id").as_string())});
    for (const auto& text : {answer.out, answer.err, shown.out}) {
        EXPECT_THAT(text, Not(HasSubstr("\x1b"))) << text;
        EXPECT_THAT(text, Not(HasSubstr("[2J"))) << "the whole sequence goes";
    }
    EXPECT_THAT(answer.out + shown.out, HasSubstr("trees/work-"));
}

TEST(run, a_dry_run_does_nothing)
{
    desk d;
    write_file(d.repository.root() / "plan.json",
               R"({"tasks": [{"id": "a", "description": "First", "files": ["src/**"]},
                             {"id": "b", "description": "Second", "files": ["src/x.c"]}]})");
    const auto from = (d.repository.root() / "plan.json").string();
    const auto answer = d.graftline({"run", "--from", from, "--dry-run", "--land", "--", "true"});
    EXPECT_EQ(answer.status, 0) << answer.err;
    EXPECT_THAT(answer.out, HasSubstr("2 tasks"));
    EXPECT_THAT(answer.out, HasSubstr("after "));
    const auto json = d.graftline({"run", "--from", from, "--dry-run", "--json", "--", "true"}).json();
    EXPECT_EQ(json.at("tasks").as_array().size(), 2u);
    EXPECT_EQ(d.repository.git("branch", "--list"), "* main");
    EXPECT_EQ(d.graftline({"status", "--json"}).json().at("tasks").as_array().size(), 0u);
    EXPECT_EQ(d.graftline({"run", "--from", from, "--on-overlap", "ask", "--", "true"}).status, 2)
        << "there is no terminal to ask on";
}

TEST(run, reads_lists_of_tasks)
{
    desk d;
    const auto agent = d.script("agent", "echo x > $GRAFTLINE_TASK_ID\n");
    write_file(d.repository.root() / "tasks.txt", "# comment\n\nENG-1: first\nsecond\n");
    const auto from = (d.repository.root() / "tasks.txt").string();
    const auto answer = d.graftline({"run", "--from", from, "third", "--json", "--", agent});
    EXPECT_EQ(answer.status, 0) << answer.err;
    const auto report = answer.json();
    EXPECT_EQ(report.at("tasks").as_array().size(), 3u);
    EXPECT_EQ(report.at("tasks").at(0).at("description"), "ENG-1: first");
    EXPECT_EQ(report.at("tasks").at(0).at("key"), "ENG-1");
}

TEST(run, a_broken_configuration_is_named_with_its_line)
{
    desk d;
    write_file(d.repository.top() / "graftline.toml", "[run]\nmaximum = 3\n");
    const auto answer = d.graftline({"run", "x", "--", "true"});
    EXPECT_EQ(answer.status, 2);
    EXPECT_THAT(answer.err, HasSubstr("graftline.toml:2"));
    EXPECT_THAT(answer.err, HasSubstr("maximum"));
    const auto doctor = d.graftline({"doctor"});
    EXPECT_EQ(doctor.status, 3);
    EXPECT_THAT(doctor.out, HasSubstr("maximum"));
}

} // namespace
} // namespace graftline::test
