// Effects that are cancelled wherever they wait: nothing is lost, and nothing stays behind.
#include "graftline/effects/carry_out.hpp"
#include "graftline/effects/landing/gate.hpp"
#include "graftline/effects/worktree/commit_changes.hpp"
#include "graftline/effects/worktree/create_worktree.hpp"
#include "graftline/effects/worktree/start_over.hpp"

#include "tests/effects/workshop.hpp"
#include "tests/support/cancel_at_every_step.hpp"
#include "tests/support/processes.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::effects {
namespace {

using testing::IsEmpty;

namespace fs = std::filesystem;

/// A body, carried out as a run of its own. Cancelling it presses the run's button, as an interruption does.
class one_run : public test::scenario {
public:
    one_run(test::workshop& w, asio::io_context& io) : w_(w), in_(w.open(io)) {}
    awaitable<void> body() override
    {
        auto all = [this](run& r) { return in_run(r); };
        (co_await as_run(in_, {}, run_options(), watcher_, button_, all)).value();
    }

protected:
    virtual awaitable<void> in_run(run& r) = 0;
    test::workshop& w_;
    std::shared_ptr<project> in_;

private:
    observer watcher_;
    stop_button button_;
};

class CancelledEffects : public testing::Test {
protected:
    CancelledEffects()
    {
        w.repo.commit_file("shared.txt", "one\n");
        made = w.run({"Add login"}, "echo work > work.txt").tasks[0];
    }

    void cancel_gates(std::size_t stride);
    void cancel_starting_over(std::size_t stride);

    test::workshop w;
    task made;
};

/// Two gates on what the task made.
class gated : public one_run {
public:
    gated(test::workshop& w, asio::io_context& io, const task& t) : one_run(w, io), task_(t) {}
    awaitable<void> in_run(run& r) override
    {
        candidate what;
        what.onto = git::oid(task_.base);
        what.commit = git::oid(task_.commit);
        what.tree = git::oid(w_.repo.git("rev-parse", task_.commit + "^{tree}"));
        const std::vector<std::string> gate{"sh", "-c", "test -e work.txt # " + w_.repo.top().string()};
        const auto said = (co_await run_gates(r, task_.id, what, {gate, gate}, true)).value();
        EXPECT_FALSE(said) << said->how;
    }
    void check() override
    {
        EXPECT_THAT(w_.worktrees(), testing::ElementsAre(task_.worktree));
        EXPECT_TRUE(fs::is_empty(w_.repo.top() / ".git/graftline/scratch"));
        EXPECT_TRUE(test::soon([this] { return test::running_with(w_.repo.top().string()) == 0; }));
        // What was interrupted has not spoken: no verdict says that it failed.
        std::error_code none;
        for (const auto& file : fs::directory_iterator(w_.repo.top() / ".git/graftline/verdicts", none))
            EXPECT_EQ(test::contents_of(file).find("\"passed\":false"), std::string::npos);
    }

private:
    const task& task_;
};

void CancelledEffects::cancel_gates(std::size_t stride)
{
    test::cancel_at_every_step([this](asio::io_context& io) { return std::make_unique<gated>(w, io, made); },
                               stride);
}

/// A conflicted task, with work on its branch and more in its worktree, is started over.
class started_over : public one_run {
public:
    started_over(test::workshop& w, asio::io_context& io, const task& t) : one_run(w, io), id_(t.id)
    {
        test::run_here(io, make_conflicted());
    }
    awaitable<void> in_run(run& r) override { (co_await start_over{id_}.carry_out(r)).value(); }
    void check() override
    {
        const auto now = w_.find(id_);
        const bool begun = now.worktree.empty();
        EXPECT_EQ(now.state, begun ? task_state::running : task_state::conflicted) << "half started over";
        EXPECT_EQ(w_.has(commit_), true);
        EXPECT_NE(w_.repo.git("for-each-ref", "--contains", commit_), "") << "its work is on no ref any more";
        if (begun) {
            EXPECT_THAT(w_.worktrees(), IsEmpty());
            ASSERT_FALSE(now.rescues.empty());
            bool found = false;
            for (const auto& ref : now.rescues)
                found |= w_.has(ref + ":" + note_);
            EXPECT_TRUE(found) << "what lay in the worktree is lost";
        } else {
            EXPECT_EQ(test::contents_of(fs::path(now.worktree) / note_), "note\n");
        }
    }

private:
    awaitable<void> make_conflicted()
    {
        auto prepare = [this](run& r) -> awaitable<void> {
            if ((co_await r.find(id_)).worktree.empty()) (co_await create_worktree{id_}.carry_out(r)).value();
        };
        observer nobody;
        stop_button button;
        (co_await as_run(in_, {}, run_options(), nobody, button, prepare)).value();
        auto t = co_await in_->must_store([this](store& s) { return *s.find(id_); });
        note_ = "note.txt";
        test::write_file(fs::path(t.worktree) / note_, "note\n");
        if (t.state != task_state::conflicted) {
            const auto at = fs::path(t.worktree);
            test::write_file(at / "work.txt", t.branch + " " + std::to_string(t.resolutions) + "\n");
            test::try_git(at, {"add", "work.txt"});
            test::try_git(at, {"commit", "-q", "-m", "work"});
            t = co_await in_->must_store([&](store& s) {
                for (const auto next : {task_state::completed, task_state::conflicted})
                    s.change(id_, [&](task& now) {
                        if (may_become(now.state, next)) now.state = next;
                    });
                return s.change(id_, [&](task& now) { now.commit = w_.repo.git("rev-parse", now.branch); });
            });
        }
        commit_ = t.commit;
    }

    std::string id_;
    std::string commit_;
    std::string note_;
};

void CancelledEffects::cancel_starting_over(std::size_t stride)
{
    test::cancel_at_every_step(
        [this](asio::io_context& io) { return std::make_unique<started_over>(w, io, made); }, stride);
}

TEST_F(CancelledEffects, GatesLeaveNoWorktreeNoProcessAndNoVerdictBehind)
{
    cancel_gates(13);
}

TEST_F(CancelledEffects, SoakGatesAtEveryStep)
{
    cancel_gates(1);
}

TEST_F(CancelledEffects, StartingOverIsDoneWhollyOrNotAtAllAndLosesNothing)
{
    cancel_starting_over(41);
}

/// What lies in a worktree is committed, HEAD brought home from where an agent left it.
class committed : public one_run {
public:
    committed(test::workshop& w, asio::io_context& io, const task& t) : one_run(w, io), task_(t)
    {
        const fs::path at = task_.worktree;
        name_ = "note-" + std::to_string(count_++) + ".txt";
        test::write_file(at / name_, "note\n");
        test::try_git(at, {"checkout", "-q", "--detach"});
    }
    awaitable<void> in_run(run& r) override
    {
        (co_await commit_changes{task_.id, {}, "feat", {}}.carry_out(r)).value();
    }
    void check() override
    {
        EXPECT_EQ(test::contents_of(fs::path(task_.worktree) / name_), "note\n") << "it is lost";
        // Whoever does it again finds it committed, or commits it, once.
        observer watcher;
        const auto done = w_.with(
            [&](std::shared_ptr<project> in) { return commit_task(in, task_.id, {}, "feat", {}, watcher); });
        ASSERT_TRUE(done) << done.error().message();
        EXPECT_EQ(w_.repo.git("rev-list", "--count", task_.branch, "--", name_), "1");
        EXPECT_EQ(w_.repo.git("show", task_.branch + ":" + name_), "note");
        EXPECT_TRUE(fs::is_empty(w_.repo.top() / ".git/graftline/scratch"));
    }

private:
    static inline int count_ = 0;
    const task& task_;
    std::string name_;
};

TEST_F(CancelledEffects, ACommitIsMadeOnceWhereverItIsCancelled)
{
    test::cancel_at_every_step(
        [this](asio::io_context& io) { return std::make_unique<committed>(w, io, made); }, 17);
}

TEST_F(CancelledEffects, SoakACommitAtEveryStep)
{
    test::cancel_at_every_step(
        [this](asio::io_context& io) { return std::make_unique<committed>(w, io, made); }, 1);
}

/// Asks for the cancellation of a task as another process does, and gets no further yet, when its worktree is
/// made.
struct cancels_early : observer {
    explicit cancels_early(fs::path folder) : state(std::move(folder)) {}
    void doing(const std::string& task, std::string_view what) override
    {
        if (what == "making its worktree")
            store(state).change(task, [](effects::task& now) { now.cancel_asked = true; });
    }
    fs::path state;
};

TEST_F(CancelledEffects, ATaskThatIsCancelledBeforeItsAgentStartsHasNotFailed)
{
    cancels_early watcher(w.repo.git_folder() / "graftline");
    const auto report = w.with([&](std::shared_ptr<project> in) -> awaitable<run_report> {
        const auto tasks = (co_await make_tasks(in, {{"work", {}, {}}}, w.defaults)).value();
        co_return (co_await run_tasks(in, tasks, {}, watcher, w.button)).value();
    });
    EXPECT_EQ(report.tasks.at(0).state, task_state::cancelled);
    EXPECT_EQ(report.tasks.at(0).reason, "cancelled");
    EXPECT_EQ(report.tasks.at(0).attempts, 0);
}

/// The same when something else goes wrong meanwhile.
TEST_F(CancelledEffects, NorHasOneWhoseAgentCouldNotBeFound)
{
    cancels_early watcher(w.repo.git_folder() / "graftline");
    const auto report = w.with([&](std::shared_ptr<project> in) -> awaitable<run_report> {
        auto tasks = (co_await make_tasks(in, {{"work", {}, {}}}, w.defaults)).value();
        tasks[0].spec.agent = "nobody"; // an unknown one is a fault of the effect
        co_return (co_await run_tasks(in, tasks, {}, watcher, w.button)).value();
    });
    EXPECT_EQ(report.tasks.at(0).state, task_state::cancelled) << report.tasks.at(0).reason;
}

TEST_F(CancelledEffects, SoakStartingOverAtEveryStep)
{
    cancel_starting_over(1);
}

} // namespace
} // namespace graftline::effects
