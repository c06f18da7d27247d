// Landings that were on their target when graftline died, and were not recorded yet.
#include "graftline/effects/operations/operations.hpp"
#include "graftline/effects/operations/resume_run.hpp"

#include "tests/effects/workshop.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::effects {
namespace {

using testing::HasSubstr;

class RecoveredLanding : public testing::Test {
protected:
    RecoveredLanding()
    {
        w.repo.commit_file("shared.txt", "one\n");
        w.repo.git("branch", "trunk");
        w.defaults.target = "trunk";
        w.defaults.land = land_mode::merge;
        w.defaults.command = {"sh", "-c", "echo made > made.txt"};
    }

    std::string trunk() { return w.repo.git("rev-parse", "trunk"); }
    int landings()
    {
        return std::stoi(w.repo.git("rev-list", "--count", "--merges", "--first-parent", "trunk"));
    }

    /// The run's process dies when the target has moved: its loop is destroyed under it.
    void die_with_the_target_moved()
    {
        const auto before = trunk();
        auto io = std::make_unique<asio::io_context>(1);
        auto in = w.open(*io);
        io->restart();
        observer silent;
        auto body = [&]() -> awaitable<void> {
            const auto tasks = (co_await make_tasks(in, {{"make", {}, {}}}, w.defaults)).value();
            id = tasks.at(0).id;
            (void)co_await run_tasks(in, tasks, {}, silent, w.button);
        };
        asio::co_spawn(*io, body(), [](std::exception_ptr) {});
        const auto ref = w.repo.git_folder() / "refs/heads/trunk";
        while (test::read_file(ref) == before + "\n")
            ASSERT_GT(io->run_one_for(test::hang_limit), 0u) << "it never moved";
        in.reset();
        io.reset();
        landed = trunk();
        ASSERT_EQ(w.find(id).state, task_state::completed) << "it is not recorded yet";
        ASSERT_EQ(intents(), 1u);
    }
    std::size_t intents()
    {
        return w.with([](std::shared_ptr<project> in) -> awaitable<std::size_t> {
            co_return co_await in->must_store([](store& s) { return s.intents().size(); });
        });
    }
    void reconcile_all()
    {
        w.with([](std::shared_ptr<project> in) -> awaitable<void> { (co_await reconcile(in)).value(); });
    }
    void resume()
    {
        observer silent;
        stop_button button;
        w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
            (co_await resume_run(in, {}, silent, button)).value();
        });
    }

    test::workshop w;
    std::string id, landed;
};

TEST_F(RecoveredLanding, IsKnownByTheTargetsHistoryAndNotMadeAgain)
{
    die_with_the_target_moved();
    w.repo.git("branch", "-f", "trunk",
               w.repo.git("commit-tree", "trunk^{tree}", "-p", "trunk", "-m", "more"));
    reconcile_all();
    EXPECT_EQ(intents(), 0u);
    EXPECT_EQ(w.find(id).state, task_state::merged);
    EXPECT_EQ(w.find(id).landed, landed);
    resume();
    EXPECT_EQ(landings(), 1);
    EXPECT_EQ(w.find(id).landed, landed);
    EXPECT_EQ(w.find(id).worktree, "");
}

TEST_F(RecoveredLanding, IsKnownToARunThatIsGoneOnWithByItself)
{
    die_with_the_target_moved();
    resume();
    EXPECT_EQ(intents(), 0u);
    EXPECT_EQ(w.find(id).state, task_state::merged);
    EXPECT_EQ(w.find(id).landed, landed);
    EXPECT_EQ(trunk(), landed);
}

TEST_F(RecoveredLanding, ThatTheUserTookOffIsLandedAgainWhenAskedOnly)
{
    die_with_the_target_moved();
    w.repo.git("branch", "-f", "trunk", "trunk~1");
    const auto without = trunk();
    reconcile_all();
    resume();
    const auto left = w.find(id);
    EXPECT_EQ(trunk(), without) << "landed again unasked";
    EXPECT_EQ(left.state, task_state::completed);
    EXPECT_THAT(left.reason, HasSubstr("taken that off trunk"));
    EXPECT_THAT(left.reason, HasSubstr("graftline land " + id));
    EXPECT_EQ(w.repo.git("show", left.branch + ":made.txt"), "made") << "its work stays";

    w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        observer silent;
        stop_button button;
        (co_await land_tasks(in, {id}, {}, silent, button)).value();
    });
    EXPECT_EQ(w.find(id).state, task_state::merged) << w.find(id).reason;
    EXPECT_EQ(landings(), 1);
}

} // namespace
} // namespace graftline::effects
