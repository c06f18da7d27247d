#include "graftline/runtime/async/parallel.hpp"
#include "graftline/runtime/async/semaphore.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "tests/support/cancel_at_every_step.hpp"
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace graftline {
namespace {

awaitable<void> pass_through(semaphore& places, int priority, std::string name,
                             std::vector<std::string>& order)
{
    const auto place = co_await places.acquire(priority);
    order.push_back(std::move(name));
    co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
}

void expect_no_error(std::exception_ptr failure)
{
    EXPECT_FALSE(failure);
}

TEST(Semaphore, FirstComeFirstServedWithinAPriority)
{
    asio::io_context io(1);
    semaphore places(io.get_executor(), 1);
    std::vector<std::string> order;
    const std::vector<std::pair<std::string, int>> arrivals{{"first", 0}, {"low a", 0},  {"high a", 5},
                                                            {"low b", 0}, {"high b", 5}, {"lowest", -1}};
    for (const auto& [name, priority] : arrivals)
        asio::co_spawn(io, pass_through(places, priority, name, order), expect_no_error);
    test::run_guarded(io);
    EXPECT_EQ(order, (std::vector<std::string>{"first", "high a", "high b", "low a", "low b", "lowest"}));
    EXPECT_EQ(places.in_use(), 0u);
}

awaitable<void> count_inside(semaphore& places, int& inside, int& most)
{
    const auto place = co_await places.acquire();
    most = std::max(most, ++inside);
    co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
    --inside;
}

TEST(Semaphore, NeverMoreThanItsCount)
{
    asio::io_context io(1);
    semaphore places(io.get_executor(), 3);
    int inside = 0;
    int most = 0;
    for (int i = 0; i < 50; ++i)
        asio::co_spawn(io, count_inside(places, inside, most), expect_no_error);
    test::run_guarded(io);
    EXPECT_EQ(most, 3);
    EXPECT_EQ(inside, 0);
}

awaitable<void> keep(semaphore& places, std::vector<semaphore::lease>& kept)
{
    kept.push_back(co_await places.acquire());
}

TEST(Semaphore, ResizeLetsMoreInAndTakesNoLeaseAway)
{
    asio::io_context io(1);
    semaphore places(io.get_executor(), 1);
    std::vector<semaphore::lease> kept;
    for (int i = 0; i < 5; ++i)
        asio::co_spawn(io, keep(places, kept), expect_no_error);
    io.poll();
    EXPECT_EQ(kept.size(), 1u);
    places.resize(4);
    io.restart();
    io.poll();
    EXPECT_EQ(kept.size(), 4u);
    places.resize(1);
    EXPECT_EQ(places.in_use(), 4u);
    kept.erase(kept.begin(), kept.begin() + 3);
    io.restart();
    io.poll();
    EXPECT_EQ(places.waiting(), 1u) << "the last of the old leases fills the one place";
    kept.clear();
    test::run_guarded(io);
    EXPECT_EQ(kept.size(), 1u);
}

TEST(Semaphore, LeasesMoveAndAreGivenBackOnce)
{
    auto body = []() -> awaitable<void> {
        semaphore places(co_await asio::this_coro::executor, 2);
        auto a = co_await places.acquire();
        auto b = co_await places.acquire();
        EXPECT_EQ(places.in_use(), 2u);
        b = std::move(a);
        EXPECT_EQ(places.in_use(), 1u);
        b.release();
        b.release();
        EXPECT_EQ(places.in_use(), 0u);
        EXPECT_FALSE(b);
    };
    test::run_here(body());
}

TEST(Semaphore, ALeaseMayOutliveIt)
{
    auto body = []() -> awaitable<void> {
        std::optional<semaphore> places(std::in_place, co_await asio::this_coro::executor, 1u);
        const auto place = co_await places->acquire();
        places.reset();
        EXPECT_TRUE(place);
    };
    test::run_here(body());
}

TEST(Semaphore, ThousandsWaitAndAllGetThrough)
{
    asio::io_context io(1);
    semaphore places(io.get_executor(), 2);
    int inside = 0;
    int most = 0;
    for (int i = 0; i < 5000; ++i)
        asio::co_spawn(io, count_inside(places, inside, most), expect_no_error);
    test::run_guarded(io);
    EXPECT_EQ(most, 2);
    EXPECT_EQ(places.waiting(), 0u);
}

class crowd : public test::scenario {
public:
    explicit crowd(asio::io_context& io) : places_(io.get_executor(), 2) {}

    awaitable<void> body() override
    {
        std::vector<awaitable<void>> all;
        for (int i = 0; i < 6; ++i)
            all.push_back(count_inside_guarded(i % 2));
        co_await parallel::all(std::move(all));
    }
    void check() override
    {
        EXPECT_EQ(places_.in_use(), 0u) << "a place was lost";
        EXPECT_EQ(places_.waiting(), 0u);
    }

private:
    awaitable<void> count_inside_guarded(int priority)
    {
        const auto place = co_await places_.acquire(priority);
        EXPECT_LE(places_.in_use(), 2u);
        co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
    }

    semaphore places_;
};

TEST(Semaphore, CancelledAtEveryStepLosesNoPlace)
{
    test::cancel_at_every_step([](asio::io_context& io) { return std::make_unique<crowd>(io); });
}

TEST(Semaphore, AbandonedAtEveryStep)
{
    test::abandon_at_every_step([](asio::io_context& io) { return std::make_unique<crowd>(io); });
}

/// One of those who wait is cancelled at the moment at which it is granted its place.
TEST(Semaphore, AGrantThatMeetsACancellationIsPassedOn)
{
    asio::io_context io(1);
    semaphore places(io.get_executor(), 1);
    std::vector<std::string> order;
    std::vector<semaphore::lease> kept;
    asio::cancellation_signal stop;
    asio::co_spawn(io, keep(places, kept), expect_no_error);
    io.poll();
    asio::co_spawn(io, pass_through(places, 0, "cancelled", order),
                   asio::bind_cancellation_slot(stop.slot(), [](std::exception_ptr) {}));
    asio::co_spawn(io, pass_through(places, 0, "next", order), expect_no_error);
    io.restart();
    io.poll();
    kept.clear();
    stop.emit(asio::cancellation_type::terminal);
    test::run_guarded(io);
    EXPECT_EQ(order.back(), "next");
    EXPECT_EQ(places.in_use(), 0u);
}

} // namespace
} // namespace graftline
