#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/async/parallel.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include "tests/support/cancel_at_every_step.hpp"
#include "tests/support/hang_guard.hpp"
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <memory>
#include <numeric>
#include <string>
#include <thread>

namespace graftline {
namespace {

using namespace std::chrono_literals;
using test::run_here;

// Not inlined: clang keeps the id in a register over a suspension.
[[gnu::noinline]] std::thread::id this_thread()
{
    return std::this_thread::get_id();
}

/// Blocks a pool thread for a moment, as a system call would.
void block_for(std::chrono::milliseconds span)
{
    std::atomic<bool> never = false;
    const auto until = std::chrono::steady_clock::now() + span;
    while (!never && std::chrono::steady_clock::now() < until)
        std::this_thread::yield();
}

TEST(Offload, GivesTheValueAndResumesOnTheLoop)
{
    auto body = []() -> awaitable<std::string> {
        const auto loop = this_thread();
        std::thread::id pool;
        auto said = co_await offload([&pool] {
            pool = this_thread();
            return std::string("done");
        });
        EXPECT_NE(pool, loop);
        EXPECT_EQ(this_thread(), loop);
        co_return said;
    };
    EXPECT_EQ(run_here(body()), "done");
}

TEST(Offload, TakesJobsAndValuesThatOnlyMove)
{
    struct no_default {
        explicit no_default(int n) : number(n) {}
        int number;
    };
    auto body = []() -> awaitable<int> {
        auto box = std::make_unique<int>(20);
        auto given = co_await offload([box = std::move(box)]() mutable { return std::move(box); });
        const auto more = co_await offload([] { return no_default(22); });
        co_return *given + more.number;
    };
    EXPECT_EQ(run_here(body()), 42);
}

TEST(Offload, PassesExceptionsThrough)
{
    auto body = []() -> awaitable<void> {
        co_await offload([] { throw std::out_of_range("from the pool"); });
    };
    EXPECT_THROW(run_here(body()), std::out_of_range);
}

TEST(Offload, ItsThreadsBlockAllSignals)
{
    auto body = []() -> awaitable<bool> {
        co_return co_await offload([] {
            sigset_t blocked;
            ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
            return ::sigismember(&blocked, SIGINT) == 1 && ::sigismember(&blocked, SIGCHLD) == 1;
        });
    };
    EXPECT_TRUE(run_here(body()));
    sigset_t ours;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &ours);
    EXPECT_EQ(::sigismember(&ours, SIGINT), 0) << "the caller's mask must be as it was";
}

TEST(Offload, ACancelledCallerGetsTheResultOfTheJobThatBegan)
{
    asio::io_context io(1);
    asio::cancellation_signal stop;
    std::atomic<bool> began = false;
    std::atomic<bool> may_end = false;
    int got = 0;
    bool thrown = false;
    auto body = [](std::atomic<bool>& begun, std::atomic<bool>& go, int& value) -> awaitable<void> {
        value = co_await offload([&] {
            begun = true;
            begun.notify_all();
            go.wait(false);
            return 7;
        });
        asio::steady_timer next(co_await asio::this_coro::executor);
        co_await next.async_wait(use_awaitable);
    };
    asio::co_spawn(io, body(began, may_end, got),
                   asio::bind_cancellation_slot(
                       stop.slot(), [&](std::exception_ptr e) { thrown = parallel::is_aborted(e); }));
    io.poll();
    began.wait(false);
    stop.emit(asio::cancellation_type::terminal);
    may_end = true;
    may_end.notify_all();
    test::run_guarded(io);
    EXPECT_EQ(got, 7);
    EXPECT_TRUE(thrown) << "the caller notices at its next await";
}

TEST(Offload, ManyAtOnceFromAStrand)
{
    asio::io_context io(1);
    std::vector<int> numbers(500);
    std::iota(numbers.begin(), numbers.end(), 0);
    int sum = 0;
    auto twice = [](int n) -> awaitable<int> { co_return co_await offload([n] { return 2 * n; }); };
    auto body = [](std::vector<int> all, decltype(twice)& job, int& total) -> awaitable<void> {
        for (auto& one : co_await parallel::map(std::move(all), job))
            total += one.value();
    };
    asio::co_spawn(asio::make_strand(io), body(numbers, twice, sum),
                   [](std::exception_ptr e) { EXPECT_FALSE(e); });
    test::run_guarded(io);
    EXPECT_EQ(sum, 499 * 500);
}

TEST(Offload, AContextMayGoWhileJobsRunAndWait)
{
    std::atomic<int> ended = 0;
    {
        asio::io_context io(1);
        auto body = [](std::atomic<int>& count) -> awaitable<void> {
            co_await offload([&count] {
                block_for(20ms);
                ++count;
            });
            ADD_FAILURE() << "resumed after its context";
        };
        for (int i = 0; i < 64; ++i)
            asio::co_spawn(io, body(ended), [](std::exception_ptr) {});
        io.poll();
        block_for(10ms);
    }
    EXPECT_LE(ended, 64) << "jobs that had not begun are dropped";
}

TEST(Lane, RunsOneAtATimeInOrder)
{
    asio::io_context io(1);
    lane one(io.get_executor());
    std::atomic<int> inside = 0;
    std::vector<int> order;
    auto job = [](lane& on, std::atomic<int>& busy, std::vector<int>& seen, int number) -> awaitable<void> {
        co_await on.run([&] {
            EXPECT_EQ(++busy, 1);
            seen.push_back(number);
            --busy;
        });
    };
    for (int i = 0; i < 100; ++i)
        asio::co_spawn(io, job(one, inside, order, i), [](std::exception_ptr e) { EXPECT_FALSE(e); });
    test::run_guarded(io);
    std::vector<int> expected(100);
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(order, expected);
}

TEST(Lane, AJobThatThrowsLeavesItFree)
{
    auto body = []() -> awaitable<int> {
        lane one(co_await asio::this_coro::executor);
        const auto failed =
            co_await parallel::settle(one.run([]() -> int { throw std::runtime_error("no"); }));
        EXPECT_FALSE(failed.has_value());
        co_return co_await one.run([] { return 3; });
    };
    EXPECT_EQ(run_here(body()), 3);
}

class three_on_a_lane : public test::scenario {
public:
    explicit three_on_a_lane(asio::io_context& io) : lane_(io.get_executor()) {}

    awaitable<void> body() override
    {
        std::vector<awaitable<int>> jobs;
        for (int i = 0; i < 3; ++i)
            jobs.push_back(lane_.run([this, i] {
                EXPECT_EQ(++inside_, 1);
                --inside_;
                return i;
            }));
        co_await parallel::all(std::move(jobs));
    }
    void check() override { EXPECT_EQ(inside_, 0); }

private:
    lane lane_;
    std::atomic<int> inside_ = 0;
};

TEST(Lane, CancelledAtEveryStep)
{
    test::cancel_at_every_step([](asio::io_context& io) { return std::make_unique<three_on_a_lane>(io); });
}

TEST(Lane, AbandonedAtEveryStep)
{
    test::abandon_at_every_step([](asio::io_context& io) { return std::make_unique<three_on_a_lane>(io); });
}

} // namespace
} // namespace graftline
