// What an agent's end means for its task: its own report of it counts, and silence is no approval.
#include "graftline/effects/db/stored_json.hpp"
#include "graftline/effects/operations/operations.hpp"
#include "graftline/effects/store/agent_files.hpp"

#include "tests/effects/workshop.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class AgentEnd : public testing::Test {
protected:
    AgentEnd()
    {
        w.repo.commit_file("readme.txt", "hello\n");
        w.defaults.land = land_mode::merge;
    }

    /// Agents that speak a format: `[agents.NAME]`, a script that has read its prompt.
    void configure(const std::map<std::string, std::pair<std::string, std::string>>& by_name,
                   const std::string& more = "")
    {
        std::string toml = "[run]\nbackoff = \"1ms\"\nattempts = 2\n" + more;
        for (const auto& [name, agent] : by_name)
            toml += "[agents." + name + "]\noutput = \"" + agent.first +
                    "\"\nprompt = \"stdin\"\nrules = true\n" + "command = [\"sh\", \"-c\", '''" +
                    agent.second + "''']\n";
        w.repo.commit_file("graftline.toml", toml);
    }

    static std::string plan_of(const std::string& stages)
    {
        return "[[tasks]]\ndescription = \"work\"\nstages = [" + stages + "]\n";
    }

    std::string files_on_main() { return w.repo.git("ls-tree", "--name-only", "main"); }

    test::workshop w;
};

TEST_F(AgentEnd, AFailureThatItReportsItselfLandsNothing)
{
    configure(
        {{"a",
          {"claude", R"(echo half > half.txt; echo '{"type":"result","is_error":true,"result":"I broke"}')"}},
         {"b", {"opencode", R"(echo half > half.txt; echo '{"type":"step_start"}'
                                     echo '{"type":"step_finish","part":{"reason":"tool-calls"}}')"}},
         {"c", {"gemini", R"(echo half > half.txt; echo '{"type":"result","status":"error"}')"}},
         {"d",
          {"codex",
           R"(echo half > half.txt; echo '{"type":"turn.failed","error":{"message":"I broke"}}')"}}});
    for (const auto* agent : {"a", "b", "c", "d"}) {
        w.defaults.agent = agent;
        const auto report = w.run({"work"}, "");
        EXPECT_EQ(report.tasks.at(0).state, task_state::failed) << agent;
        EXPECT_EQ(report.tasks.at(0).exit_code, 0);
        EXPECT_EQ(report.tasks.at(0).attempts, 1) << "nothing of it passes";
        EXPECT_THAT(files_on_main(), Not(HasSubstr("half.txt"))) << agent;
    }
}

TEST_F(AgentEnd, IsToldInItsOwnWords)
{
    const auto report = w.run({"work"}, "echo working; echo 'Please set a key' >&2; exit 41");
    EXPECT_EQ(report.tasks.at(0).reason, "exit status 41: Please set a key");
    EXPECT_EQ(w.run({"again"}, "echo 'cannot do it'; exit 2").tasks.at(0).reason,
              "exit status 2: cannot do it");
    EXPECT_EQ(w.run({"mute"}, "exit 2").tasks.at(0).reason, "exit status 2");
}

TEST_F(AgentEnd, ATroubleThatPassesIsKnownByEventsAndNotByItsOwnWords)
{
    configure({{"a", {"codex", R"(echo x >> tries; echo '{"type":"turn.started"}'
                                  echo '{"type":"item.completed","item":{"type":"agent_message","text":"429 Too Many Requests"}}'
                                  exit 1)"}},
               {"b", {"codex", R"(echo x >> tries
                                  echo '{"type":"turn.failed","error":{"message":"Selected model is at capacity."}}'; exit 1)"}}});
    w.defaults.agent = "a";
    EXPECT_EQ(w.run({"work"}, "").tasks.at(0).attempts, 1);
    w.defaults.agent = "b";
    EXPECT_EQ(w.run({"work"}, "").tasks.at(0).attempts, 2);
}

TEST_F(AgentEnd, TheNextAttemptIsToldThatItsWorktreeHoldsTheLastOnesWork)
{
    configure({{"a", {"codex", R"(cat > "prompt-$GRAFTLINE_ATTEMPT"; [ "$GRAFTLINE_ATTEMPT" = 2 ] && exit 0
                                  echo '{"type":"turn.failed","error":{"message":"Selected model is at capacity."}}')"}}});
    w.defaults.agent = "a";
    ASSERT_EQ(w.run({"work"}, "").tasks.at(0).state, task_state::merged);
    EXPECT_THAT(w.repo.read("prompt-1"), Not(HasSubstr("holds what it had done")));
    EXPECT_THAT(w.repo.read("prompt-2"),
                AllOf(HasSubstr("Your worktree holds what it had done"), Not(HasSubstr("\"type\""))));
}

TEST_F(AgentEnd, ARetryIsToldInWordsWhatTheLastAttemptSaid)
{
    configure({{"a", {"codex", R"(cat > prompt.txt; [ "$GRAFTLINE_ATTEMPT" = 2 ] && exit 0
                                  echo '{"type":"item.completed","item":{"type":"agent_message","text":"I built it."}}'
                                  exit 3)"}}});
    w.defaults.agent = "a";
    const auto failed = w.run({"work"}, "").tasks.at(0);
    ASSERT_EQ(failed.state, task_state::failed);
    observer nobody;
    w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        (co_await retry_tasks(in, {failed.id}, {}, nobody, w.button)).value();
    });
    EXPECT_THAT(w.repo.read("prompt.txt"), AllOf(HasSubstr("I built it."), Not(HasSubstr("item.completed"))));
}

TEST_F(AgentEnd, ItsResultLiesInItsTemporaryFolder)
{
    const auto report = w.run({"work"}, R"(case "$GRAFTLINE_RESULT" in "$TMPDIR"/*) ;; *) exit 9 ;; esac
                                           echo x > x.txt; echo '{"decision":"reject","summary":"no tests"}' > "$GRAFTLINE_RESULT")");
    EXPECT_EQ(report.tasks.at(0).reason, "the agent decided: reject: no tests");
    EXPECT_THAT(files_on_main(), Not(HasSubstr("x.txt")));
}

TEST_F(AgentEnd, AResultThatIsNoFileIsNamed)
{
    for (const auto& [make, what] : std::map<std::string, std::string>{
             {R"(echo '{"decision":"reject"}' > v.json; ln -s "$PWD/v.json" "$GRAFTLINE_RESULT")",
              "a symbolic link"},
             {R"(mkfifo "$GRAFTLINE_RESULT")", "a named pipe"},
             {R"(mkdir "$GRAFTLINE_RESULT")", "a folder"}}) {
        const auto report = w.run({"work"}, "echo x > x.txt; " + make);
        EXPECT_EQ(report.tasks.at(0).state, task_state::failed) << what;
        EXPECT_THAT(report.tasks.at(0).reason, HasSubstr("it is " + what + ", not a file"));
    }
}

TEST_F(AgentEnd, AResultIsKeptWhenItsFolderGoes)
{
    w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        task t;
        t.id = "abc123";
        for (const bool is_link : {false, true}) {
            agent_files files(*in, t, "");
            files.make_temporary(t.id);
            if (is_link)
                fs::create_symlink("/dev/null", files.result_file());
            else
                test::write_file(files.result_file(), R"({"decision":"reject"})");
            co_await drop_temporary_of(files.folder());
            EXPECT_FALSE(fs::exists(files.temporary()));
            const auto kept = agent_files(files.folder()).read_result();
            EXPECT_TRUE(kept && *kept) << "an interruption drops the folder of an agent that has decided";
            EXPECT_THAT(**kept, HasSubstr(is_link ? "symbolic link" : "reject"));
        }
    });
}

TEST_F(AgentEnd, AReviewThatSaysNothingIsNoApproval)
{
    const auto plan = plan_of(R"({name = "write"}, {name = "review"})");
    const auto report = w.run_plan(plan, R"(echo "$GRAFTLINE_STAGE" >> work.txt)");
    const auto& t = report.tasks.at(0);
    EXPECT_EQ(t.state, task_state::failed);
    EXPECT_TRUE(t.rejected);
    EXPECT_THAT(t.reason, AllOf(HasSubstr("stage review: it said nothing"),
                                HasSubstr("graftline land " + t.id), HasSubstr("graftline retry " + t.id)));
    EXPECT_THAT(files_on_main(), Not(HasSubstr("work.txt")));
    EXPECT_EQ(w.repo.git("show", t.branch + ":work.txt"), "write\nreview") << "kept for a person";
    observer nobody;
    w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        (co_await land_tasks(in, {t.id}, {}, nobody, w.button)).value();
    });
    EXPECT_EQ(w.find(t.id).state, task_state::merged) << "a person takes it as it is";
}

TEST_F(AgentEnd, AnEmptyResultIsNone)
{
    for (const auto* empty : {R"(: > "$GRAFTLINE_RESULT")", R"(echo ' ' > "$GRAFTLINE_RESULT")"}) {
        const std::string script = std::string("date +%N > work.txt; ") + empty;
        const auto ordinary = w.run({"work"}, script).tasks.at(0);
        EXPECT_EQ(ordinary.state, task_state::merged) << ordinary.reason;
        const auto reviewed =
            w.run_plan(plan_of(R"({name = "write"}, {name = "review"})"), script).tasks.at(0);
        EXPECT_EQ(reviewed.state, task_state::failed);
        EXPECT_THAT(reviewed.reason, HasSubstr("stage review: it said nothing"));
    }
}

TEST_F(AgentEnd, AReviewMayDecideAtTheEndOfItsLastMessage)
{
    configure({{"a", {"codex", R"(printf '%s\n' '{"type":"item.completed","item":{"type":"agent_message",'\
'"text":"Looked.\n```json\n{\"decision\": \"approve\"}\n```"}}')"}}});
    const auto ends = [&](const std::string& stages) {
        const auto t =
            w.run_plan(plan_of(R"({name = "write"}, )" + stages), "date +%N > work.txt").tasks.at(0);
        return std::string(to_string(t.state)) + ": " + t.reason;
    };
    EXPECT_EQ(ends(R"({name = "review", agent = "a"})"), "merged: ");
    EXPECT_EQ(ends(R"({name = "audit", decides = true, agent = "a"})"), "merged: ");
    EXPECT_EQ(ends(R"({name = "review", decides = false})"), "merged: ");
    EXPECT_THAT(ends(R"({name = "audit", decides = true})"),
                HasSubstr("failed: stage audit: it said nothing"));
}

TEST_F(AgentEnd, StagesHavePromptsOfTheirOwnAndHearTheLastOne)
{
    configure({{"a", {"codex", R"(cat > "$GRAFTLINE_STAGE.prompt"
                                  echo '{"type":"item.completed","item":{"type":"agent_message","text":"First do x."}}')"}}});
    w.defaults.command.clear();
    const auto t =
        w.run_plan(
             plan_of(R"({name = "plan", agent = "a"}, {name = "do", agent = "a", prompt = "Now {task}!"})"),
             "true")
            .tasks.at(0);
    ASSERT_EQ(t.state, task_state::merged) << t.reason;
    EXPECT_THAT(w.repo.read("plan.prompt"), HasSubstr("Plan how to do the task"));
    EXPECT_THAT(w.repo.read("do.prompt"), AllOf(HasSubstr("Now work!"), HasSubstr("First do x.")));
}

TEST_F(AgentEnd, ASpentQuotaLeavesItsTasksForLaterAndTheOthersAlone)
{
    configure({{"a", {"claude", R"(echo x >> "$GRAFTLINE_WORKTREE.begun"
                                   echo '{"type":"result","is_error":true,"api_error_status":429,"result":"You have hit your session limit, resets 3:45pm"}'
                                   exit 1)"}},
               {"b", {"plain", "echo fine > fine.txt"}}});
    w.options.max = 1;
    w.defaults.agent = "a";
    const auto report = w.with([&](std::shared_ptr<project> in) -> awaitable<run_report> {
        auto tasks =
            (co_await make_tasks(in, {{"one", "a", {}}, {"two", "a", {}}, {"three", "b", {}}}, w.defaults))
                .value();
        observer nobody;
        co_return (co_await run_tasks(in, tasks, w.options, nobody, w.button)).value();
    });
    EXPECT_EQ(report.tasks.at(0).state, task_state::pending);
    EXPECT_THAT(report.tasks.at(0).reason, HasSubstr("resets 3:45pm"));
    EXPECT_EQ(report.tasks.at(0).attempts, 1);
    EXPECT_EQ(report.tasks.at(1).state, task_state::pending);
    EXPECT_THAT(report.tasks.at(1).reason, AllOf(HasSubstr("not started"), HasSubstr("resets 3:45pm")));
    EXPECT_EQ(report.tasks.at(1).attempts, 0) << "nothing more is started into it";
    EXPECT_EQ(report.tasks.at(2).state, task_state::merged);
}

TEST_F(AgentEnd, TheTimeOfATaskIsOneForAllItsAttempts)
{
    configure(
        {{"a", {"opencode", R"(echo '{"type":"error","error":{"data":{"message":"busy","isRetryable":true,'\
'"responseHeaders":{"retry-after":"600"}}}}'; exit 1)"}}});
    w.defaults.agent = "a";
    w.defaults.timeout = std::chrono::seconds(60);
    const auto t = w.run({"work"}, "").tasks.at(0);
    EXPECT_EQ(t.state, task_state::failed);
    EXPECT_EQ(t.attempts, 1);
    EXPECT_EQ(t.reason, "the task's time is over: exit status 1: busy")
        << "the service asks for more than is left";
}

TEST_F(AgentEnd, APauseHoldsNoPlace)
{
    const auto mark = (w.repo.root() / "mark").string();
    configure({{"a",
                {"plain", "echo x >> x.txt; [ $GRAFTLINE_ATTEMPT = 2 ] && exec test -e " + mark +
                              "; echo 429 Too Many Requests >&2; exit 1"}},
               {"b", {"plain", "echo > " + mark}}});
    w.options.max = 1;
    const auto report = w.with([&](std::shared_ptr<project> in) -> awaitable<run_report> {
        auto tasks = (co_await make_tasks(in, {{"one", "a", {}}, {"two", "b", {}}}, w.defaults)).value();
        observer nobody;
        co_return (co_await run_tasks(in, tasks, w.options, nobody, w.button)).value();
    });
    EXPECT_EQ(report.tasks.at(0).state, task_state::merged) << "the other was let in between";
    EXPECT_EQ(report.tasks.at(0).attempts, 2);
}

TEST_F(AgentEnd, PatienceBoundsHowLongAnAgentIsWaitedFor)
{
    w.repo.commit_file("graftline.toml", "[run]\nbackoff = \"20ms\"\npatience = \"60ms\"\n");
    const auto t = w.run({"work"}, "echo '429 Too Many Requests' >&2; exit 1").tasks.at(0);
    EXPECT_EQ(t.state, task_state::failed);
    EXPECT_GT(t.attempts, 1);
}

TEST_F(AgentEnd, AnAgentThatSaysNothingIsEnded)
{
    w.defaults.idle_timeout = std::chrono::milliseconds(200);
    const auto t = w.run({"work"}, "echo begun; exec sleep 600").tasks.at(0);
    EXPECT_EQ(t.state, task_state::failed);
    EXPECT_THAT(t.reason, HasSubstr("it said nothing for"));
}

TEST_F(AgentEnd, WhatItWasNotAllowedIsInTheReason)
{
    configure(
        {{"a",
          {"claude",
           R"(echo '{"type":"result","is_error":false,"permission_denials":[{"tool_name":"Bash","tool_input":{"command":"make"}}]}')"}}});
    w.defaults.agent = "a";
    EXPECT_EQ(w.run({"work"}, "").tasks.at(0).reason, "no changes; its agent was not allowed: Bash make");
}

TEST_F(AgentEnd, UsageOfAnAgentThatIsEndedIsKept)
{
    configure(
        {{"a",
          {"claude",
           R"(for i in 1 2; do echo '{"type":"assistant","message":{"id":"m","content":[],"usage":{"input_tokens":7,"output_tokens":2}}}'; done
                                   exec sleep 600)"}}});
    w.defaults.agent = "a";
    w.defaults.attempt_timeout = std::chrono::milliseconds(500);
    const auto t = w.run({"work"}, "").tasks.at(0);
    EXPECT_EQ(t.state, task_state::failed);
    ASSERT_TRUE(t.usage);
    EXPECT_EQ(t.usage->input_tokens, 7);
    EXPECT_FALSE(t.usage->cost_known);
}

TEST(StageRecord, OfAnOlderVersionReads)
{
    const auto spec = from_stored<task_spec>(json::object{
        {"description", "x"}, {"stages", json::array{json::object{{"name", "review"}, {"agent", "a"}}}}});
    ASSERT_TRUE(spec) << spec.error().message();
    EXPECT_EQ(spec->stages.at(0).name, "review");
    EXPECT_FALSE(spec->stages.at(0).decides);
}

} // namespace
} // namespace graftline::effects
