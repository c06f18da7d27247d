// The limit of open files: graftline raises its own, agents keep the usual one.
#include "tests/cli/program.hpp"
#include "tests/support/built.hpp"
#include "tests/support/hang_guard.hpp"
#include <gtest/gtest.h>

#include <algorithm>

namespace graftline::test {
namespace {

TEST(open_files, many_agents_need_no_higher_limit_and_keep_the_usual_one)
{
    desk d;
    constexpr int agents = 12; // each costs three descriptors; what else there is, about twenty
    const auto meeting = (d.repository.root() / "meeting").string();
    std::filesystem::create_directories(meeting);
    const auto agent = d.script("agent", "ulimit -S -n > \"$GRAFTLINE_TASK_ID.txt\"\n"
                                         "touch '" +
                                             meeting +
                                             "'/$GRAFTLINE_TASK_ID\n"
                                             "until [ $(ls '" +
                                             meeting + "' | wc -l) -ge " + std::to_string(agents) +
                                             " ]; do sleep 0.1; done\n");
    command limited(d.script("limited", "ulimit -S -n 40\nexec \"$@\"\n"));
    limited.in(d.repository.top()).set("HOME", (d.repository.root() / "home").string());
    limited.args(built_program(), "run", "--max", std::to_string(agents), "--land");
    for (int i = 0; i < agents; ++i)
        limited.add("Task " + std::to_string(i));
    limited.args("--", agent);
    const auto ended = run_here(run(std::move(limited))).value();
    EXPECT_TRUE(ended.ok()) << ended.err;
    const auto told = d.repository.git("grep", "-h", "^40$", "main", "--", "*.txt");
    EXPECT_EQ(std::ranges::count(told, '4'), agents) << told;
}

} // namespace
} // namespace graftline::test
