// Agents that a crash took along, or whose start it cut short.
#include "graftline/effects/operations/operations.hpp"
#include "graftline/effects/operations/resume_run.hpp"
#include "graftline/runtime/supervisor/supervised.hpp"

#include "tests/effects/workshop.hpp"
#include "tests/support/built.hpp"
#include "tests/support/processes.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace graftline::effects {
namespace {

using testing::HasSubstr;

class LostAgents : public testing::Test {
protected:
    LostAgents()
    {
        w.repo.commit_file("readme.txt", "hello\n");
        w.defaults.land.reset();
    }

    std::size_t begun() const
    {
        const auto text = test::contents_of(w.repo.root() / "begun");
        return static_cast<std::size_t>(std::ranges::count(text, '\n'));
    }

    /// A process begins the run, or goes on with it, and dies once `when()`: its loop is destroyed under it.
    void die(const std::function<bool()>& when, std::vector<std::string> supervisor = {})
    {
        observer nobody;
        stop_button button;
        asio::io_context io(1);
        auto in = w.open(io);
        if (!supervisor.empty()) in->supervisor_command = std::move(supervisor);
        auto body = [&]() -> awaitable<void> {
            if (!id.empty()) {
                (void)co_await resume_run(in, {}, nobody, button);
                co_return;
            }
            auto tasks = (co_await make_tasks(in, {{"work", {}, {}}}, w.defaults)).value();
            id = tasks.at(0).id;
            (void)co_await run_tasks(in, tasks, {}, nobody, button);
        };
        asio::co_spawn(io, body, [](std::exception_ptr) {});
        ASSERT_TRUE(test::soon([&] {
            io.restart();
            io.run_for(std::chrono::milliseconds(5));
            return when();
        }));
    }
    /// The store may not be there yet.
    bool has_attempt()
    {
        if (id.empty() || !store::is_there(w.repo.git_folder() / "graftline")) return false;
        const auto found = store(w.repo.git_folder() / "graftline").find(id);
        return found && !found->attempt.empty();
    }
    task go_on()
    {
        observer nobody;
        stop_button button;
        w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
            (co_await resume_run(in, {}, nobody, button)).value();
        });
        return w.find(id);
    }

    test::workshop w;
    std::string id;
};

TEST_F(LostAgents, AreStartedAgainThreeTimesAtMost)
{
    w.defaults.command = {"sh", "-c",
                          "echo begun >> '" + (w.repo.root() / "begun").string() + "'; exec sleep 600"};
    for (std::size_t starts = 1; starts <= 4; ++starts) {
        ASSERT_NO_FATAL_FAILURE(die([&] { return begun() == starts; })) << starts;
        const auto who = read_identity(w.find(id).attempt).value();
        ASSERT_TRUE(who);
        ASSERT_EQ(::kill(who->pid, SIGKILL), 0);
        ASSERT_TRUE(test::soon([&] { return !is_alive(*who); }));
    }
    const auto t = go_on();
    EXPECT_EQ(begun(), 4u);
    EXPECT_EQ(t.state, task_state::failed);
    EXPECT_THAT(t.reason, HasSubstr("lost to crashes 3 times"));
    EXPECT_EQ(test::running_with("GRAFTLINE_TASK_ID=" + id), 0u);
}

TEST_F(LostAgents, OneThatEndedMeanwhileHasDecidedAllTheSame)
{
    const auto mark = (w.repo.root() / "begun").string();
    w.defaults.command = {"sh", "-c",
                          "echo begun >> '" + mark + "'; until [ -e '" + mark +
                              ".go' ]; do sleep 0.01; done; "
                              "echo x > x; echo '{\"decision\":\"reject\"}' > \"$GRAFTLINE_RESULT\""};
    ASSERT_NO_FATAL_FAILURE(die([&] { return begun() == 1; }));
    test::write_file(mark + ".go", "");
    const std::filesystem::path attempt = w.find(id).attempt;
    ASSERT_TRUE(test::soon([&] { return read_exit_record(attempt).value().has_value(); }));
    const auto t = go_on();
    EXPECT_EQ(begun(), 1u);
    EXPECT_EQ(t.state, task_state::failed);
    EXPECT_EQ(t.reason, "the agent decided: reject");
}

TEST_F(LostAgents, OneWhoseSupervisorIsLateIsStartedByNobodyElse)
{
    w.defaults.command = {"sh", "-c",
                          "echo begun >> '" + (w.repo.root() / "begun").string() + "'; echo x > x"};
    // The supervisor has been started and has not come so far as to claim the attempt.
    ASSERT_NO_FATAL_FAILURE(die([&] { return has_attempt(); }, {"sleep", "2"}));
    const auto first = w.find(id).attempt;
    const auto t = go_on();
    EXPECT_EQ(t.state, task_state::completed) << t.reason;
    EXPECT_EQ(begun(), 1u);
    EXPECT_NE(t.attempt, first);
    // Now it comes.
    const auto late = test::run_here([](std::string folder, std::string mark) -> awaitable<fault> {
        attempt_spec spec(folder, {"sh", "-c", "echo begun >> '" + mark + "'"});
        const std::vector<std::string> supervisor{test::built_program(), "supervise"};
        const auto started = co_await supervised::start(supervisor, std::move(spec));
        co_return started ? fault(errc::internal, "it was started") : started.error();
    }(first, (w.repo.root() / "begun").string()));
    EXPECT_TRUE(late.is(errc::exists)) << late.message();
    EXPECT_EQ(begun(), 1u);
}

} // namespace
} // namespace graftline::effects
