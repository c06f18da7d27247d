// A `discard` or `clean` that is killed between removing a task's worktree and recording that.
#include "graftline/effects/operations/finish_discards.hpp"

#include "tests/effects/workshop.hpp"
#include <gtest/gtest.h>

namespace graftline::effects {
namespace {

class CutShortDiscard : public testing::Test {
protected:
    CutShortDiscard()
    {
        w.repo.commit_file("shared.txt", "one\n");
        failed = w.run({"Fail"}, "echo half > half.txt; exit 3").tasks.at(0);
    }

    /// As a run of this program leaves it that dies while it has the task.
    void take_for(const std::string& program)
    {
        w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
            co_await in->must_store([&](store& s) {
                run_record dead;
                dead.id = "run-" + program;
                dead.program = program;
                s.add(dead);
                s.change(failed.id, [&](task& now) { now.owner = dead.id; });
            });
        });
    }
    void remove_worktree() { w.repo.git("worktree", "remove", "-f", "-f", failed.worktree); }
    task after_the_next_command()
    {
        w.with([](std::shared_ptr<project> in) -> awaitable<void> { (co_await reconcile(in)).value(); });
        return w.find(failed.id);
    }

    test::workshop w;
    task failed;
};

TEST_F(CutShortDiscard, IsRecordedByTheNextCommand)
{
    for (const auto* program : {"discard", "clean"}) {
        failed = w.run({"Fail"}, "echo half > half.txt; exit 3").tasks.at(0);
        take_for(program);
        remove_worktree();
        w.repo.git("branch", "-D", failed.branch);
        const auto now = after_the_next_command();
        EXPECT_EQ(now.state, task_state::discarded) << program;
        EXPECT_EQ(now.worktree, "") << program;
        EXPECT_EQ(now.owner, "") << program;
    }
}

TEST_F(CutShortDiscard, OfWhichSomethingIsLeftIsLeft)
{
    take_for("discard");
    remove_worktree();
    EXPECT_EQ(after_the_next_command().state, task_state::failed) << "its branch is there";
}

TEST_F(CutShortDiscard, IsNoOtherCommandsBusiness)
{
    take_for("retry");
    remove_worktree();
    w.repo.git("branch", "-D", failed.branch);
    EXPECT_EQ(after_the_next_command().state, task_state::failed);
}

} // namespace
} // namespace graftline::effects
