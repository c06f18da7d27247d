#include "graftline/runtime/async/parallel.hpp"
#include "graftline/runtime/process/command.hpp"
#include "graftline/runtime/process/command_time.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "tests/support/cancel_at_every_step.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/test_repository.hpp"
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

namespace graftline {
namespace {

using namespace std::chrono_literals;
using test::run_here;

command shell(std::string script)
{
    return command("sh").args("-c", std::move(script));
}

TEST(command, gives_both_streams_and_the_status)
{
    const auto got = run_here(run(shell("printf out; printf err >&2; exit 3")));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, exit_status(exited{3}));
    EXPECT_EQ(got->out, "out");
    EXPECT_EQ(got->err, "err");
    EXPECT_FALSE(got->ok());
}

TEST(command, passes_words_environment_folder_and_input_as_they_are)
{
    ::setenv("GRAFTLINE_TEST_GONE", "here", 1);
    auto what =
        command("sh").args("-c", "printf '%s|' \"$@\"; pwd; echo \"$A-${GRAFTLINE_TEST_GONE-unset}\"; cat",
                           "x", "a b", "", "$HOME;'\"");
    what.in("/usr/lib").set("A", "1").set("A", "two words").unset("GRAFTLINE_TEST_GONE").feed("fed\n");
    const auto got = run_here(run(std::move(what)));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->out, "a b||$HOME;'\"|/usr/lib\ntwo words-unset\nfed\n");
}

TEST(command, has_an_empty_input_unless_fed)
{
    EXPECT_EQ(run_here(run(command("cat")))->out, "");
    const std::string much(5'000'000, 'x');
    auto what = command("cat");
    what.feed(much);
    EXPECT_TRUE(run_here(run(what))->out == much);
    auto deaf = command("true"); // it never reads: no SIGPIPE, no error
    deaf.feed(much);
    EXPECT_TRUE(run_here(run(deaf))->ok());
}

TEST(command, that_prints_a_lot_on_both_streams_does_not_hang)
{
    const auto got =
        run_here(run(shell("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; printf end")));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->out.size(), 3'000'003u);
    EXPECT_EQ(got->err.size(), 3'000'000u);
}

TEST(command, that_prints_more_than_is_kept_is_a_fault)
{
    auto what = shell("yes");
    what.keep(100'000);
    const auto got = run_here(run(what));
    ASSERT_FALSE(got);
    EXPECT_TRUE(got.error().is(errc::command_failed));
    EXPECT_NE(got.error().message().find("100000 bytes"), std::string::npos);
    EXPECT_TRUE(test::has_no_children());
}

TEST(command, that_is_not_there_is_named)
{
    const auto got = run_here(run(command("no-such-program-of-ours")));
    ASSERT_FALSE(got);
    EXPECT_TRUE(got.error().is(errc::could_not_start));
    EXPECT_NE(got.error().message().find("no-such-program-of-ours"), std::string::npos);
}

TEST(command, does_not_wait_for_ever_for_a_grandchild_with_its_stream)
{
    const test::temporary_folder here;
    const auto got = run_here( // or it hangs
        run(shell("setsid sh -c 'echo $$ >" + here.path().string() + "/pid; exec sleep 600' & while ! [ -s " +
                  here.path().string() + "/pid ]; do :; done; echo done")));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->out, "done\n");
    ::kill(std::stoi(test::contents_of(here.path() / "pid")), SIGKILL); // its own session: not ours to end
}

TEST(command, takes_what_a_grandchild_still_prints)
{
    // As soon as its parent is a zombie. On a machine that stands still even that may be too late.
    const std::string after_its_parent = "until grep -q '^State:.Z' /proc/$$/status; do :; done; echo late";
    std::string out;
    for (int tries = 0; tries < 10 && out != "early\nlate\n"; ++tries)
        out = run_here(run(shell("(" + after_its_parent + ") & echo early"))).value().out;
    EXPECT_EQ(out, "early\nlate\n");
}

TEST(command, cancelled_ends_its_group_gracefully)
{
    const test::temporary_folder here;
    const auto mark = here.path().string();
    auto what = shell("trap 'echo tidy >" + mark + "/tidied; exit 0' TERM; MARK=" + mark +
                      " sleep 100 & : >" + mark + "/ready; wait");
    asio::io_context io(1);
    asio::cancellation_signal stop;
    bool aborted = false;
    asio::co_spawn(io, run(what),
                   asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr e, auto&&) {
                       aborted = parallel::is_aborted(e);
                   }));
    ASSERT_TRUE(test::soon([&] {
        io.run_one_for(5ms);
        return std::filesystem::exists(here.path() / "ready");
    }));
    stop.emit(asio::cancellation_type::terminal);
    test::run_guarded(io);
    EXPECT_TRUE(aborted);
    EXPECT_EQ(test::contents_of(here.path() / "tidied"), "tidy\n");
    EXPECT_TRUE(test::has_no_children());
    EXPECT_TRUE(test::soon([&] { return test::running_with(mark) == 0; }));
}

class talkative : public test::scenario {
public:
    explicit talkative(asio::io_context& io)
    {
        const asio::steady_timer first(io); // the context opens descriptors of its own at its first use
        descriptors_ = test::open_descriptors();
    }
    awaitable<void> body() override { (void)co_await run(shell("head -c 100000 /dev/zero; echo err >&2")); }
    void check() override
    {
        EXPECT_TRUE(test::has_no_children());
        EXPECT_EQ(test::open_descriptors(), descriptors_) << "leaked";
    }

private:
    std::size_t descriptors_;
};

TEST(command, leaks_nothing_when_cancelled_at_any_step)
{
    test::cancel_at_every_step([](asio::io_context& io) { return std::make_unique<talkative>(io); });
}

class abandoned_talkative : public talkative {
public:
    using talkative::talkative;
    void check() override { EXPECT_TRUE(test::has_no_children()); }
};

TEST(command, leaves_no_child_when_its_context_goes_at_any_step)
{
    const auto before = test::open_descriptors();
    test::abandon_at_every_step(
        [](asio::io_context& io) { return std::make_unique<abandoned_talkative>(io); });
    EXPECT_EQ(test::open_descriptors(), before);
}

TEST(command, is_quoted_for_a_message)
{
    EXPECT_EQ(quoted({"git", "commit", "-m", "it's here", ""}), "git commit -m 'it'\\''s here' ''");
}

TEST(command, that_takes_too_long_is_ended_with_all_that_it_started)
{
    const test::temporary_folder here;
    const std::string mark = "late-" + here.path().filename().string();
    const std::string deaf = "trap '' TERM; sleep 1000 & sleep 1000; sleep 1000";
    auto what = shell("export MARK=" + mark + "; sh -c \"$0\" & wait").args(deaf);
    what.take_at_most(200ms);
    const auto got = run_here(run(std::move(what)));
    ASSERT_TRUE(got);
    EXPECT_FALSE(got->ok());
    EXPECT_EQ(got->status, exit_status(signaled{SIGTERM, false}));
    EXPECT_FALSE(got->overdue.empty());
    // What is not ours to wait for has been sent KILL, and needs its moment.
    EXPECT_TRUE(test::soon([&] { return test::running_with(mark) == 0; }));
    EXPECT_TRUE(test::has_no_children());
}

TEST(command, that_is_deaf_is_killed_when_it_takes_too_long)
{
    auto what = shell("trap '' TERM; printf said; while :; do sleep 1000; done");
    what.take_at_most(200ms);
    const auto got = run_here(run(std::move(what)));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, exit_status(signaled{SIGKILL, false}));
    EXPECT_EQ(got->out, "said");
    EXPECT_EQ(got->overdue, (std::vector<std::string>{"sleep", "1000"}));
}

TEST(command, that_ends_well_although_its_time_is_over_has_not_done_well)
{
    auto what = shell("trap 'exit 0' TERM; sleep 1000 & wait");
    what.take_at_most(200ms);
    const auto got = run_here(run(std::move(what)));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, exit_status(exited{0}));
    EXPECT_FALSE(got->ok());
}

awaitable<std::pair<command_output, command_output>> meant_and_not(command meant, command other)
{
    const auto times = command_times::of(co_await asio::this_coro::executor);
    auto is_meant = [](const command& what) { return what.folder() == "/usr"; };
    const auto limit = times->end_at(command_times::clock::now() + 100ms, is_meant);
    auto first = co_await run(std::move(meant));
    auto second = co_await run(std::move(other));
    co_return std::pair(std::move(first.value()), std::move(second.value()));
}

TEST(command, ends_at_the_time_of_what_it_is_for)
{
    auto meant = shell("exec sleep 1000");
    auto other = shell("sleep 0.2");
    const auto [late, in_time] = run_here(meant_and_not(meant.in("/usr"), other.in("/")));
    EXPECT_EQ(late.overdue, (std::vector<std::string>{"sleep", "1000"}));
    EXPECT_TRUE(in_time.ok());
}

} // namespace
} // namespace graftline
