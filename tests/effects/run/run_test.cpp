#include "graftline/effects/db/stored_json.hpp"
#include "graftline/effects/landing/landing_intent.hpp"
#include "graftline/effects/operations/resume_run.hpp"
#include "graftline/runtime/async/parallel.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/json/parse.hpp>

#include "tests/effects/workshop.hpp"
#include "tests/support/processes.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::effects {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class Run : public testing::Test {
protected:
    Run()
    {
        w.repo.commit_file("shared.txt", "one\ntwo\nthree\n");
        w.defaults.land = land_mode::merge;
    }

    static std::map<std::string, std::string> states(const run_report& report)
    {
        std::map<std::string, std::string> by_description;
        for (const auto& t : report.tasks)
            by_description[t.spec.description] = to_string(t.state);
        return by_description;
    }

    test::workshop w;
};

// The agent makes a file of its own, named after its task.
constexpr const char* writes_a_file = R"(printf '%s\n' "$GRAFTLINE_TASK" > "$GRAFTLINE_TASK_ID.txt")";

TEST_F(Run, AsksAnAgentAgainThatWasTurnedAwayForNow)
{
    w.repo.commit_file("graftline.toml", "[run]\nattempts = 3\nbackoff = \"10ms\"\n");
    const auto report = w.run({"Comes through", "Never comes through", "Is refused"}, R"(
        echo "$GRAFTLINE_ATTEMPT" >> tries.txt
        case "$GRAFTLINE_TASK $GRAFTLINE_ATTEMPT" in
            "Comes through 3") exit 0 ;;
            "Is refused "*) echo "Invalid API key" >&2; exit 1 ;;
        esac
        echo "API Error: 429 rate_limit_error" >&2
        exit 1)");
    EXPECT_EQ(states(report),
              (std::map<std::string, std::string>{
                  {"Comes through", "merged"}, {"Never comes through", "failed"}, {"Is refused", "failed"}}));
    EXPECT_EQ(w.repo.read("tries.txt"), "1\n2\n3\n") << "each goes on in the same worktree";
    EXPECT_EQ(report.tasks[1].attempts, 3);
    EXPECT_EQ(report.tasks[2].attempts, 1);
}

TEST_F(Run, ACancelEndsThePauseBeforeAnAgentIsAskedAgain)
{
    w.repo.commit_file("graftline.toml", "[run]\nbackoff = \"1h\"\n");
    w.defaults.command = {"sh", "-c", "echo 'API Error: 429 rate_limit_error' >&2; exit 1"};
    struct impatient : observer {
        std::function<void(const std::string&)> on_pause;
        void doing(const std::string& task, std::string_view what) override
        {
            if (what.starts_with("agent again")) on_pause(task);
        }
    } watcher;
    const auto report = w.with([&](std::shared_ptr<project> in) -> awaitable<run_report> {
        const auto executor = co_await asio::this_coro::executor;
        watcher.on_pause = [&](const std::string& id) {
            asio::co_spawn(executor, cancel_task(in, id), [](std::exception_ptr, result<task>) {});
        };
        const auto tasks = (co_await make_tasks(in, {{"wait", {}, {}}}, w.defaults)).value();
        co_return (co_await run_tasks(in, tasks, {}, watcher, w.button)).value();
    });
    EXPECT_EQ(report.tasks.at(0).state, task_state::cancelled) << report.tasks.at(0).reason;
}

TEST_F(Run, LandsEveryTaskAndLeavesNothingBehind)
{
    const auto report = w.run({"Add login", "Add auth", "Write tests"}, writes_a_file);
    EXPECT_EQ(states(report),
              (std::map<std::string, std::string>{
                  {"Add login", "merged"}, {"Add auth", "merged"}, {"Write tests", "merged"}}));
    for (const auto& t : report.tasks) {
        EXPECT_EQ(w.repo.git("show", "main:" + t.id + ".txt"), t.spec.description);
        EXPECT_EQ(t.files, std::vector{t.id + ".txt"});
        EXPECT_THAT(w.repo.git("show", "-s", "--format=%B", t.commit), HasSubstr("Task: " + t.id));
        EXPECT_EQ(w.repo.git("show", "-s", "--format=%s", t.landed),
                  "Merge " + t.id + ": " + t.spec.description);
        EXPECT_TRUE(w.repo.read(t.id + ".txt") == t.spec.description + "\n")
            << "the checked-out target follows";
    }
    EXPECT_THAT(w.branches(), ElementsAre("main"));
    EXPECT_THAT(w.worktrees(), IsEmpty());
    EXPECT_EQ(w.repo.git("for-each-ref", "refs/graftline"), "");
    EXPECT_EQ(w.repo.git("fsck", "--no-dangling", "--no-progress"), "");
    EXPECT_EQ(w.repo.git("status", "--porcelain"), "");
}

TEST_F(Run, AConflictAndAFailureLeaveTheOthersAlone)
{
    w.options.max = 1; // one after the other, so that the second meets the first's change
    w.defaults.base = "main~0";
    const auto base = w.repo.git("rev-parse", "main");
    w.defaults.base = base;
    const auto report = w.run({"edit a", "edit b", "fail", "fine"}, R"(
        case $GRAFTLINE_TASK in
        edit*) sed -i "s/two/$GRAFTLINE_TASK/" shared.txt ;;
        fail) echo lost > lost.txt; echo "cannot do it" >&2; exit 3 ;;
        fine) echo fine > fine.txt ;;
        esac)");
    EXPECT_EQ(states(report),
              (std::map<std::string, std::string>{
                  {"edit a", "merged"}, {"edit b", "conflicted"}, {"fail", "failed"}, {"fine", "merged"}}));
    const auto& conflicted = report.tasks[1];
    EXPECT_THAT(conflicted.conflicts, ElementsAre("shared.txt"));
    EXPECT_TRUE(std::filesystem::exists(conflicted.worktree));
    EXPECT_TRUE(w.has("refs/heads/" + conflicted.branch));
    const auto& failed = report.tasks[2];
    EXPECT_EQ(failed.exit_code, 3);
    EXPECT_THAT(failed.reason, HasSubstr("3"));
    EXPECT_EQ(test::read_file(std::filesystem::path(failed.worktree) / "lost.txt"), "lost\n");
    EXPECT_FALSE(std::filesystem::exists(w.repo.top() / ".git" / "MERGE_HEAD"));
}

TEST_F(Run, ADirtyCheckoutIsTheSameAfterwardsByteForByte)
{
    w.repo.commit_file(".gitignore", "*.o\n");
    w.repo.git("branch", "elsewhere");
    w.repo.write("shared.txt", "one\nedited\nthree\n");
    w.repo.write("staged.txt", "staged\n");
    w.repo.git("add", "staged.txt");
    w.repo.write("untracked.txt", "mine\n");
    w.repo.write("ignored.o", "built\n");
    w.defaults.target = "elsewhere";
    const auto before = w.checkout_state();
    const auto index = test::read_file(w.repo.top() / ".git" / "index");
    w.run({"edit a", "edit b", "fail"}, R"(
        case $GRAFTLINE_TASK in fail) exit 1 ;; *) sed -i "s/two/$GRAFTLINE_TASK/" shared.txt ;; esac)");
    EXPECT_TRUE(before == w.checkout_state());
    EXPECT_TRUE(index == test::read_file(w.repo.top() / ".git" / "index"))
        << "the index is not even refreshed";
    EXPECT_NE(w.repo.git("rev-parse", "elsewhere"), w.repo.git("rev-parse", "main"));
}

TEST_F(Run, ACheckedOutTargetThatIsInTheWayMakesTheLandingWait)
{
    w.repo.write("shared.txt", "one\nmine\nthree\n");
    const auto before = w.checkout_state();
    const auto main = w.repo.git("rev-parse", "main");
    const auto report = w.run({"edit"}, "sed -i s/two/theirs/ shared.txt");
    EXPECT_EQ(report.tasks[0].state, task_state::completed);
    EXPECT_THAT(report.tasks[0].reason, HasSubstr("landing waits"));
    EXPECT_TRUE(before == w.checkout_state());
    EXPECT_EQ(w.repo.git("rev-parse", "main"), main);

    w.repo.git("checkout", "--", "shared.txt");
    const auto landed = w.with([&](std::shared_ptr<project> in) -> awaitable<run_report> {
        observer nobody;
        co_return (co_await land_tasks(in, {report.tasks[0].id}, {}, nobody, w.button)).value();
    });
    EXPECT_EQ(landed.tasks[0].state, task_state::merged) << landed.tasks[0].reason;
    EXPECT_EQ(w.repo.read("shared.txt"), "one\ntheirs\nthree\n");
}

TEST_F(Run, SquashMakesOneCommitAndKeepsTheOriginalsReachable)
{
    w.defaults.land = land_mode::squash;
    const auto report = w.run({"two commits"}, R"(
        echo 1 > a.txt; git add a.txt; git commit -qm one
        echo 2 > b.txt; git add b.txt; git commit -qm two; echo 3 > c.txt)");
    const auto& t = report.tasks[0];
    ASSERT_EQ(t.state, task_state::merged) << t.reason;
    EXPECT_EQ(w.repo.git("rev-list", "--count", "main"), "2");
    EXPECT_EQ(w.repo.git("show", "main:c.txt"), "3");
    EXPECT_THAT(w.repo.git("show", "-s", "--format=%B", "main"), HasSubstr("Task: " + t.id));
    ASSERT_EQ(t.rescues.size(), 1u) << "the squashed commits are on no other ref";
    EXPECT_EQ(w.repo.git("rev-parse", t.rescues[0]), t.commit);
    EXPECT_THAT(w.branches(), ElementsAre("main"));
}

TEST_F(Run, NoChangesIsDoneAndSaysSo)
{
    const auto report = w.run({"look only"}, "true");
    EXPECT_EQ(report.tasks[0].state, task_state::completed);
    EXPECT_EQ(report.tasks[0].reason, "no changes");
    EXPECT_EQ(report.tasks[0].commit, "");
    EXPECT_THAT(w.worktrees(), IsEmpty());
    EXPECT_THAT(w.branches(), ElementsAre("main"));
}

TEST_F(Run, AGateSeesTheMergedTreeAndKeepsTheTargetFromABadOne)
{
    w.defaults.gates = {{"sh", "-c", "! test -e bad.txt && test -e shared.txt"}};
    const auto before = w.repo.git("rev-parse", "main");
    const auto bad = w.run({"bad"}, "echo bad > bad.txt");
    EXPECT_EQ(bad.tasks[0].state, task_state::failed);
    EXPECT_THAT(bad.tasks[0].reason, HasSubstr("gate failed"));
    EXPECT_TRUE(bad.tasks[0].rejected);
    EXPECT_EQ(w.repo.git("rev-parse", "main"), before);
    const auto good = w.run({"good"}, "echo good > good.txt");
    EXPECT_EQ(good.tasks[0].state, task_state::merged) << good.tasks[0].reason;
    EXPECT_THAT(w.worktrees(), ElementsAre(bad.tasks[0].worktree)) << "no scratch worktree stays";
}

TEST_F(Run, AGateThatHangsEndsAtTheTasksTimeout)
{
    w.defaults.gates = {{"sleep", "600"}};
    w.defaults.timeout = std::chrono::seconds(1);
    const auto report = w.run({"Gated"}, writes_a_file);
    EXPECT_EQ(report.tasks.front().state, task_state::failed);
    EXPECT_THAT(report.tasks.front().reason, HasSubstr("timed out"));
    EXPECT_TRUE(w.has("refs/heads/" + report.tasks.front().branch));
}

TEST_F(Run, AGateHasALimitOfItsOwn)
{
    w.repo.commit_file("graftline.toml", "[gate]\ntimeout = \"1s\"\n");
    w.defaults.gates = {{"sleep", "600"}};
    const auto report = w.run({"Gated"}, writes_a_file);
    EXPECT_EQ(report.tasks.front().state, task_state::failed);
    EXPECT_THAT(report.tasks.front().reason, HasSubstr("timed out"));
}

TEST_F(Run, ARetryThatCannotMakeItsWorktreeKeepsTheBranchOfTheFirst)
{
    const auto first = w.run({"Work"}, "echo w > w; git add w; git commit -qm work; exit 1").tasks.front();
    std::filesystem::remove_all(first.worktree);
    w.repo.write("graftline.toml", "[worktree]\nsetup = [[\"false\"]]\n");
    observer nobody;
    w.with([&](std::shared_ptr<project> in) -> awaitable<run_report> {
        co_return (co_await retry_tasks(in, {first.id}, {}, nobody, w.button)).value();
    });
    const auto t = w.find(first.id);
    EXPECT_EQ(t.state, task_state::failed);
    EXPECT_EQ(t.branch, first.branch);
    EXPECT_EQ(t.worktree, "");
    EXPECT_EQ(w.repo.git("show", t.branch + ":w"), "w");
}

TEST_F(Run, ALandingThatWasCutShortBeforeItTookItsTasksIsAskedForAgain)
{
    w.defaults.land.reset();
    const auto made = w.run({"one", "two"}, writes_a_file);
    run_record cut;
    cut.id = "run-cut";
    cut.program = "land";
    cut.arguments = to_stored(land_options()).as_object();
    cut.tasks = ids_of(made.tasks);
    cut.started_at = now_text();
    w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        observer nobody;
        co_await in->must_store([&](store& s) { s.add(cut); });
        const auto resumed = (co_await resume_run(in, "", nobody, w.button)).value();
        EXPECT_EQ(resumed.tasks.size(), 2u);
        EXPECT_TRUE((co_await interrupted_runs(in)).value().empty());
        const auto again = co_await resume_run(in, cut.id, nobody, w.button);
        EXPECT_THAT(again.error().what(), HasSubstr("has ended"));
    });
    for (const auto& t : made.tasks)
        EXPECT_EQ(w.find(t.id).state, task_state::merged);
}

TEST_F(Run, ATimeoutEndsGrandchildrenToo)
{
    w.defaults.grace = std::chrono::milliseconds(200);
    const auto mark = w.repo.root() / "grandchild";
    // Until it is long enough for the grandchild to begin.
    for (auto timeout = std::chrono::milliseconds(300); test::contents_of(mark).empty(); timeout *= 2) {
        ASSERT_LT(timeout, std::chrono::minutes(1));
        w.defaults.timeout = timeout;
        const auto report =
            w.run({"hangs"}, "setsid sh -c 'echo $$ > " + mark.string() + "; sleep 300' & sleep 300");
        EXPECT_EQ(report.tasks[0].state, task_state::failed);
        EXPECT_THAT(report.tasks[0].reason, HasSubstr("timed out"));
    }
    const auto pid = std::stoi(test::read_file(mark));
    EXPECT_NE(::kill(pid, 0), 0) << "the grandchild lives";
}

TEST_F(Run, ARetryGoesOnInTheSameWorktreeWithTheReason)
{
    const auto first = w.run({"twice"}, R"(
        echo "attempt $GRAFTLINE_ATTEMPT" >> attempts.txt
        if [ "$GRAFTLINE_ATTEMPT" = 1 ]; then echo "out of luck"; exit 9; fi
        cp "$GRAFTLINE_FEEDBACK_FILE" feedback.txt)");
    ASSERT_EQ(first.tasks[0].state, task_state::failed);
    const auto again = w.with([&](std::shared_ptr<project> in) -> awaitable<run_report> {
        observer nobody;
        co_return (co_await retry_tasks(in, {first.tasks[0].id}, {}, nobody, w.button)).value();
    });
    ASSERT_EQ(again.tasks[0].state, task_state::merged) << again.tasks[0].reason;
    EXPECT_EQ(again.tasks[0].attempts, 2);
    EXPECT_EQ(w.repo.git("show", "main:attempts.txt"), "attempt 1\nattempt 2");
    EXPECT_THAT(w.repo.git("show", "main:feedback.txt"), HasSubstr("out of luck"));
}

TEST_F(Run, AFreshRetryBeginsAnewAndKeepsTheOldWork)
{
    const auto first = w.run({"again"}, R"(
        if [ -n "$GRAFTLINE_FEEDBACK_FILE" ]; then
            [ ! -e half.txt ] && cp "$GRAFTLINE_FEEDBACK_FILE" told.txt
        else
            echo half > half.txt; echo "it broke" >&2; exit 7
        fi)");
    ASSERT_EQ(first.tasks[0].state, task_state::failed);
    const auto again = w.with([&](std::shared_ptr<project> in) -> awaitable<run_report> {
        observer nobody;
        run_options options;
        options.start_fresh = true;
        co_return (co_await retry_tasks(in, {first.tasks[0].id}, options, nobody, w.button)).value();
    });
    ASSERT_EQ(again.tasks[0].state, task_state::merged) << again.tasks[0].reason;
    EXPECT_THAT(w.repo.git("show", "main:told.txt"), HasSubstr("it broke"));
    ASSERT_EQ(again.tasks[0].rescues.size(), 1u);
    EXPECT_TRUE(w.has(again.tasks[0].rescues[0] + ":half.txt"));
}

TEST_F(Run, DiscardingRescuesWhatNoRefReaches)
{
    const auto report = w.run(
        {"fails"}, "echo committed > c.txt; git add c.txt; git commit -qm c; echo dirty > d.txt; exit 1");
    const auto gone = w.with([&](std::shared_ptr<project> in) -> awaitable<task> {
        observer nobody;
        co_return (co_await discard_task(in, report.tasks[0].id, false, nobody)).value();
    });
    EXPECT_EQ(gone.state, task_state::discarded);
    EXPECT_THAT(w.branches(), ElementsAre("main"));
    EXPECT_THAT(w.worktrees(), IsEmpty());
    ASSERT_FALSE(gone.rescues.empty());
    EXPECT_EQ(w.repo.git("show", gone.rescues[0] + ":d.txt"), "dirty");
    EXPECT_EQ(w.repo.git("show", gone.rescues[0] + ":c.txt"), "committed");
}

TEST_F(Run, TasksComeAfterThoseThatTheyNeedAndSeeTheirWork)
{
    w.defaults.land.reset();
    const auto report = w.run_plan(R"(
        [[tasks]]
        id = "last"
        description = "last"
        after = ["one", "two"]
        [[tasks]]
        id = "one"
        description = "one"
        [[tasks]]
        id = "two"
        description = "two"
        [[tasks]]
        id = "never"
        description = "never"
        after = ["broken"]
        [[tasks]]
        id = "broken"
        description = "broken"
    )",
                                   R"(case $GRAFTLINE_TASK in
        broken) exit 1 ;;
        last) cat one.txt two.txt > last.txt ;;
        *) echo "$GRAFTLINE_TASK" > "$GRAFTLINE_TASK.txt" ;;
        esac)");
    EXPECT_EQ(states(report), (std::map<std::string, std::string>{{"last", "completed"},
                                                                  {"one", "completed"},
                                                                  {"two", "completed"},
                                                                  {"never", "cancelled"},
                                                                  {"broken", "failed"}}));
    EXPECT_EQ(w.repo.git("show", report.tasks[0].commit + ":last.txt"), "one\ntwo");
    EXPECT_THAT(report.tasks[3].reason, HasSubstr(report.tasks[4].id));
    EXPECT_EQ(report.tasks[3].attempts, 0);
}

TEST_F(Run, StagesShareTheWorktreeAndSendWorkBack)
{
    const auto report = w.run_plan(R"(
        [[tasks]]
        id = "staged"
        description = "staged"
        stages = [{name = "build"}, {name = "review"}]
    )",
                                   R"(case $GRAFTLINE_STAGE in
        build) echo built >> built.txt; if [ -n "$GRAFTLINE_FEEDBACK_FILE" ]; then cat "$GRAFTLINE_FEEDBACK_FILE" > heard.txt; fi ;;
        review) if [ -e heard.txt ]; then d=approve; else d=request_changes; fi
                printf '{"decision":"%s","summary":"once more"}' $d > "$GRAFTLINE_RESULT" ;;
        esac)");
    ASSERT_EQ(report.tasks[0].state, task_state::merged) << report.tasks[0].reason;
    EXPECT_EQ(w.repo.git("show", "main:built.txt"), "built\nbuilt");
    EXPECT_EQ(w.repo.git("show", "main:heard.txt"), "once more");
}

TEST_F(Run, PressingStopEndsAgentsAndLeavesAllResumable)
{
    const auto mark = w.repo.root() / "pid";
    w.options.max = 1;
    struct presser : observer {
        stop_button* button = nullptr;
        void said(const std::string&, std::string_view) override { button->press(); }
    } watcher;
    watcher.button = &w.button;
    w.defaults.command = {"sh", "-c",
                          "echo $$ > " + mark.string() + "; echo work > work.txt; echo ready; sleep 300"};
    const auto report = w.with([&](std::shared_ptr<project> in) -> awaitable<run_report> {
        auto tasks = (co_await make_tasks(in, {{"first", {}, {}}, {"second", {}, {}}}, w.defaults)).value();
        co_return (co_await run_tasks(in, tasks, w.options, watcher, w.button)).value();
    });
    EXPECT_TRUE(report.interrupted);
    for (const auto& t : report.tasks) {
        EXPECT_EQ(t.state, task_state::pending);
        EXPECT_EQ(t.reason, "interrupted");
    }
    EXPECT_NE(::kill(std::stoi(test::read_file(mark)), 0), 0) << "the agent lives";
    EXPECT_EQ(test::read_file(std::filesystem::path(report.tasks[0].worktree) / "work.txt"), "work\n");
}

TEST_F(Run, FailFastCancelsTheRest)
{
    w.options.fail_fast = true;
    const auto report =
        w.run({"slow", "fails"}, "case $GRAFTLINE_TASK in fails) exit 1 ;; *) sleep 300 ;; esac");
    EXPECT_EQ(states(report),
              (std::map<std::string, std::string>{{"slow", "cancelled"}, {"fails", "failed"}}));
}

TEST_F(Run, ATaskIsCarriedOutByOneRunAtATime)
{
    const auto count = w.repo.root() / "starts";
    const auto first =
        w.run({"twice"}, "echo start >> " + count.string() +
                             "; if [ $GRAFTLINE_ATTEMPT = 1 ]; then exit 1; fi; sleep 1; echo x > x.txt");
    const auto id = first.tasks[0].id;
    const auto busy = w.with([&](std::shared_ptr<project> one) -> awaitable<int> {
        const auto two = (co_await project::open(w.repo.top())).value();
        two->supervisor_command = one->supervisor_command;
        observer nobody;
        stop_button other;
        auto retry = [&](std::shared_ptr<project> in, stop_button& button) -> awaitable<bool> {
            const auto done = co_await retry_tasks(in, {id}, {}, nobody, button);
            co_return !done && done.error().is(errc::busy);
        };
        std::vector<awaitable<bool>> both;
        both.push_back(retry(one, w.button));
        both.push_back(retry(two, other));
        int refused = 0;
        for (auto& o : co_await parallel::all(std::move(both)))
            refused += o.value();
        co_return refused;
    });
    EXPECT_EQ(busy, 1) << "exactly one is told that another graftline works on it";
    EXPECT_EQ(test::read_file(count), "start\nstart\n");
    EXPECT_EQ(w.find(id).state, task_state::merged);
}

TEST_F(Run, ATaskThatIsBeingLandedIsNotDiscarded)
{
    const auto go = w.repo.root() / "go";
    w.defaults.gates = {{"sh", "-c", "until [ -e '" + go.string() + "' ]; do sleep 0.01; done"}};
    struct discarder : observer {
        std::function<void(const std::string&)> on_gate;
        void doing(const std::string& task, std::string_view what) override
        {
            if (what.starts_with("gate")) on_gate(task);
        }
    } watcher;
    std::string landing;
    watcher.on_gate = [&](const std::string& task) { landing = task; };
    w.defaults.command = {"sh", "-c", "echo x > x.txt"};
    w.with([&](std::shared_ptr<project> one) -> awaitable<int> {
        auto run_it = [&]() -> awaitable<void> {
            auto tasks = (co_await make_tasks(one, {{"land me", {}, {}}}, w.defaults)).value();
            const auto report = (co_await run_tasks(one, tasks, {}, watcher, w.button)).value();
            EXPECT_EQ(report.tasks[0].state, task_state::merged) << report.tasks[0].reason;
        };
        auto discard_it = [&]() -> awaitable<void> {
            const auto two = (co_await project::open(w.repo.top())).value();
            asio::steady_timer soon(co_await asio::this_coro::executor);
            while (landing.empty()) {
                soon.expires_after(std::chrono::milliseconds(5));
                co_await soon.async_wait(use_awaitable);
            }
            observer nobody;
            const auto gone = co_await discard_task(two, landing, false, nobody);
            EXPECT_FALSE(gone.has_value());
            test::write_file(go, "");
        };
        std::vector<awaitable<void>> both;
        both.push_back(run_it());
        both.push_back(discard_it());
        for (auto& o : co_await parallel::all(std::move(both)))
            o.value();
        co_return 0;
    });
    EXPECT_TRUE(w.has("main:x.txt"));
}

TEST_F(Run, ALandingsIntentReadsBack)
{
    git::move_intent intent;
    intent.branch = "main";
    intent.from = git::oid(std::string(40, 'a'));
    intent.to = git::oid(std::string(40, 'b'));
    intent.checkout = "/some/where";
    intent.paths.push_back({"a b", "000000", "100644", git::oid(), git::oid(std::string(40, 'c'))});
    intent.locks = {"/some/where/.git/HEAD.lock"};
    const landing_step step{"3fa9", std::string(40, 'd'), std::string(40, 'e'), true};
    const auto [read, part] = intent_from_text(to_text(intent, step)).value();
    EXPECT_EQ(to_text(read, part), to_text(intent, step));
    EXPECT_FALSE(intent_from_text("{}"));
}

TEST_F(Run, ExportsItsStateOutsideTheWorkTree)
{
    const auto report = w.run({"Add login"}, writes_a_file);
    const auto folder = w.repo.git_folder() / "graftline";
    const auto all = json::parse(test::read_file(folder / "task_state.json"));
    ASSERT_EQ(all.at("tasks").as_array().size(), 1u);
    const auto one = json::parse(test::read_file(folder / "tasks" / report.tasks[0].id / "task_state.json"));
    EXPECT_EQ(one, all.at("tasks").at(0));
    EXPECT_EQ(one.at("status").as_string(), "merged");
    EXPECT_EQ(one.at("base_branch").as_string(), "main");
    EXPECT_EQ(one.at("metadata").at("description").as_string(), "Add login");
}

TEST_F(Run, AFailingHookIsReportedInItsWordsAndTheWorkStays)
{
    w.repo.write(".git/hooks/pre-commit", "#!/bin/sh\necho 'no commits on Saturday' >&2\nexit 1\n");
    std::filesystem::permissions(w.repo.top() / ".git/hooks/pre-commit", std::filesystem::perms::owner_all);
    const auto report = w.run({"hooked"}, "echo x > x.txt");
    EXPECT_EQ(report.tasks[0].state, task_state::failed);
    EXPECT_THAT(report.tasks[0].reason, HasSubstr("no commits on Saturday"));
    EXPECT_EQ(test::read_file(std::filesystem::path(report.tasks[0].worktree) / "x.txt"), "x\n");
}

} // namespace
} // namespace graftline::effects
