#include "graftline/runtime/process/captured_stream.hpp"

#include "tests/support/hang_guard.hpp"
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace graftline {
namespace {

TEST(captured_stream, that_hurries_gives_all_that_was_written)
{
    const std::string much(60'000, 'x'); // several reads, and no more than a pipe holds
    for (int steps = 0; steps < 10; ++steps) {
        asio::io_context io(1);
        const auto stream = captured_stream::make(io.get_executor(), 1 << 20).value();
        const descriptor of_a_grandchild(::dup(stream->child_end())); // it stays open
        bool ended = false;
        stream->when_done([&] { ended = true; });
        stream->listen([] { ADD_FAILURE() << "it was not too much"; });
        ASSERT_TRUE(write_all(of_a_grandchild.get(), much));
        for (int n = 0; n < steps; ++n)
            io.poll_one();
        stream->hurry();
        test::run_guarded(io);
        EXPECT_TRUE(ended);
        EXPECT_TRUE(stream->take() == much) << "after " << steps << " steps";
    }
}

} // namespace
} // namespace graftline
