#include "graftline/runtime/files/resources.hpp"

#include "tests/support/hang_guard.hpp"
#include <gtest/gtest.h>

namespace graftline {
namespace {

TEST(resources, are_read)
{
    cpu_meter cpu;
    const auto reading = test::run_here(read_resources("/not/made/yet", cpu));
    EXPECT_GE(reading.cpu_percent, 0);
    EXPECT_LE(reading.cpu_percent, 100);
    EXPECT_GT(reading.memory_percent, 0);
    EXPECT_LT(reading.memory_percent, 100);
    EXPECT_GT(reading.memory_available_gb, 0);
    EXPECT_GT(reading.disk_percent, 0);
    EXPECT_GT(reading.disk_free_gb, 0);
}

TEST(resources, say_why_nothing_more_should_start)
{
    const resource_limits limits{80, 80, 2};
    EXPECT_EQ(why_not({85.21, 10, 1, 10, 10}, limits), "CPU usage too high: 85.2% > 80%");
    EXPECT_EQ(why_not({10, 90, 1, 10, 10}, limits), "Memory usage too high: 90.0% > 80%");
    EXPECT_EQ(why_not({10, 10, 1, 99, 1.5}, limits), "Disk space too low: 1.50 GB free < 2 GB");
    EXPECT_EQ(why_not({80, 80, 1, 99, 2}, limits), std::nullopt);
}

} // namespace
} // namespace graftline
