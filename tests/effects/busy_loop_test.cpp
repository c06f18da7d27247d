// Agents that print, and leave behind, more than anybody reads: the loop has its turns all the same. (The
// guard of every test's loop says when it has not.)
#include "graftline/effects/store/agent_files.hpp"

#include <boost/asio/post.hpp>

#include "tests/effects/effects_on_record.hpp"
#include "tests/support/processes.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

TEST(BusyLoop, AFloodOfOutputDoesNotKeepIt)
{
    test::workshop w;
    w.repo.commit_file("a.txt", "a\n");
    const auto report =
        w.run({"Flood"}, "yes 'some words, and more of them' | head -c 64000000; echo x > x.txt");
    EXPECT_EQ(report.tasks.at(0).state, task_state::completed) << report.tasks.at(0).reason;
    EXPECT_EQ(fs::file_size(report.tasks.at(0).log), 64'000'000u) << "the log has it all";
}

TEST(BusyLoop, TheReportAtTheEndOfAFloodIsHeardHoweverLongItsLine)
{
    test::workshop w;
    w.repo.commit_file(
        "graftline.toml",
        "[agents.talker]\noutput = \"claude\"\ncommand = [\"sh\", \"-c\", '''\n"
        "yes '{\"type\":\"system\"}' | head -n 200000\n"
        "printf '{\"type\":\"result\",\"usage\":{\"input_tokens\":7,\"output_tokens\":5},\"result\":\"'\n"
        "yes | head -n 300000 | tr -d '\\n'\n"
        "echo '\"}'\n''']\n");
    w.defaults.agent = "talker";
    const auto report = w.run({"Talk"}, "");
    const auto& t = report.tasks.at(0);
    EXPECT_EQ(t.state, task_state::completed) << t.reason;
    ASSERT_TRUE(t.usage.has_value());
    EXPECT_EQ(t.usage->input_tokens, 7);
    EXPECT_EQ(t.usage->output_tokens, 5);
}

awaitable<std::size_t> turns_beside(awaitable<void> job)
{
    const auto executor = co_await asio::this_coro::executor;
    auto over = std::make_shared<bool>(false);
    scope beside(executor);
    auto run = [](awaitable<void> what, std::shared_ptr<bool> done) -> awaitable<void> {
        co_await std::move(what);
        *done = true;
    };
    beside.spawn(run(std::move(job), over));
    std::size_t turns = 0;
    while (!*over) {
        co_await asio::post(executor, use_awaitable);
        ++turns;
    }
    co_await beside.join();
    co_return turns;
}

TEST(BusyLoop, WhatAnAgentLeftInItsTemporaryFolderIsDeletedBesideIt)
{
    const test::temporary_folder here;
    const auto attempt = here.path() / "1", temporary = here.path() / "graftline-x";
    constexpr int files = 10'000;
    for (int folder = 0; folder < 10; ++folder) {
        fs::create_directories(temporary / std::to_string(folder));
        for (int i = 0; i < files / 10; ++i)
            test::write_file(temporary / std::to_string(folder) / std::to_string(i), "");
    }
    fs::create_directories(attempt);
    test::write_file(attempt / "temporary", temporary.string());
    EXPECT_GT(test::run_here(turns_beside(drop_temporary_of(attempt))), 100u);
    EXPECT_FALSE(fs::exists(temporary));
}

TEST(BusyLoop, ATemporaryFolderGoesWithItsAgent)
{
    test::workshop w;
    w.repo.commit_file("a.txt", "a\n");
    const auto report = w.run({"One"}, "echo \"$TMPDIR\" > x.txt; touch \"$TMPDIR/y\"");
    const auto named = w.repo.git("show", report.tasks.at(0).branch + ":x.txt");
    EXPECT_THAT(named, testing::HasSubstr("graftline-"));
    EXPECT_FALSE(fs::exists(named));
}

} // namespace
} // namespace graftline::effects
