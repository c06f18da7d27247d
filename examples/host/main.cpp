// A program that embeds graftline in an event loop of its own.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <graftline/runtime/offload.hpp>
#include <graftline/runtime/parallel.hpp>

#include <exception>
#include <iostream>
#include <vector>

namespace asio = boost::asio;

// Blocking work runs off the loop, at most two at a time; the loop stays free for the host's own work.
graftline::awaitable<long> sum_of_squares(std::vector<int> numbers)
{
    auto square = [](int n) { return graftline::offload([n] { return static_cast<long>(n) * n; }); };
    long sum = 0;
    for (auto& one : co_await graftline::parallel::map(std::move(numbers), square,
                                                       graftline::parallel::options().limit(2)))
        sum += one.value();
    co_return sum;
}

int main()
{
    asio::io_context loop;
    bool right = false;
    asio::co_spawn(loop, sum_of_squares({1, 2, 3, 4}),
                   [&](std::exception_ptr failure, long sum) { right = !failure && sum == 30; });
    loop.run();
    std::cout << (right ? "the host and graftline share a loop\n" : "something went wrong\n");
    return right ? 0 : 1;
}
