// A host that goes without stopping its run: the loop is destroyed under it.
#include "graftline/effects/operations/resume_run.hpp"

#include "tests/effects/workshop.hpp"
#include "tests/support/cancel_at_every_step.hpp"
#include <gtest/gtest.h>

namespace graftline::effects {
namespace {

TEST(AbandonedRun, SoakIsGoneOnWithToItsEnd)
{
    const test::longer_hang_limit patience(std::chrono::seconds(300));
    test::workshop w;
    w.repo.commit_file("shared.txt", "one\n");
    w.defaults.land = land_mode::merge;
    w.defaults.gates = {{"true"}};
    w.defaults.command = {"sh", "-c", R"(printf x > "$GRAFTLINE_TASK_ID.txt")"};
    observer silent;
    bool undisturbed = false;
    for (std::size_t step = 20; !undisturbed && step < test::most_steps; step += 1 + step / 15) {
        std::vector<task> tasks;
        stop_button button;
        {
            auto io = std::make_unique<asio::io_context>(1);
            auto in = w.open(*io);
            io->restart();
            bool finished = false;
            auto body = [&]() -> awaitable<void> {
                std::vector<wanted_task> wanted{{"one", {}, {}}, {"two", {}, {}}, {"three", {}, {}}};
                tasks = (co_await make_tasks(in, wanted, w.defaults)).value();
                (void)co_await run_tasks(in, tasks, run_options(), silent, button);
            };
            asio::co_spawn(*io, body(), [&](std::exception_ptr) { finished = true; });
            undisturbed = test::detail::run_steps(*io, step, finished);
            in.reset();
            io.reset();
        }
        w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
            stop_button again;
            for (const auto& left : (co_await interrupted_runs(in)).value())
                (void)co_await resume_run(in, left.record.id, silent, again);
        });
        const bool on_record = w.with([&](std::shared_ptr<project> in) -> awaitable<bool> {
            co_return !tasks.empty() &&
                (co_await in->stored([&](store& s) { return s.resolve(tasks[0].id); }));
        });
        if (!on_record) continue; // it ended before it had begun
        for (const auto& t : tasks) {
            const auto now = w.find(t.id);
            EXPECT_EQ(now.state, task_state::merged) << t.id << " after step " << step << ": " << now.reason;
        }
    }
    EXPECT_TRUE(undisturbed);
    EXPECT_NO_THROW(w.repo.git("rev-list", "--objects", "main"));
}

} // namespace
} // namespace graftline::effects
