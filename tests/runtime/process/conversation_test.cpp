#include "graftline/runtime/async/deadline.hpp"
#include "graftline/runtime/process/conversation.hpp"

#include "tests/support/cancel_at_every_step.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/test_repository.hpp"
#include <gtest/gtest.h>

#include <csignal>

namespace graftline {
namespace {

using namespace std::chrono_literals;
using test::run_here;

command shell(std::string script)
{
    return command("sh").args("-c", std::move(script));
}

awaitable<void> talk_to_cat()
{
    auto cat = (co_await conversation::start(command("cat"))).value();
    (co_await cat->say("one\ntwo\nthree")).value();
    EXPECT_EQ((co_await cat->hear_line()).value(), "one");
    EXPECT_EQ((co_await cat->hear_line()).value(), "two");
    EXPECT_EQ((co_await cat->hear(2)).value(), "th");
    (co_await cat->say("\nfour")).value();
    const auto end = (co_await cat->finish()).value();
    EXPECT_EQ(end.out, "ree\nfour");
    EXPECT_TRUE(end.ok());
}

TEST(conversation, goes_line_by_line_and_by_count)
{
    run_here(talk_to_cat());
    EXPECT_TRUE(test::has_no_children());
}

awaitable<void> talk_to_one_that_goes()
{
    auto gone = (co_await conversation::start(shell("read line; echo \"no: $line\" >&2; exit 2"))).value();
    (co_await gone->say("please\n")).value();
    const auto answer = co_await gone->hear_line();
    EXPECT_FALSE(answer);
    EXPECT_TRUE(answer.error().is(errc::command_failed));
    EXPECT_NE(answer.error().message().find("no: please"), std::string::npos) << answer.error().message();
    int said = 0; // its end is not one moment: the output may close before the input
    while (said < 1000 && co_await gone->say("hello?\n"))
        ++said;
    EXPECT_LT(said, 1000); // EPIPE, not SIGPIPE
    const auto end = (co_await gone->finish()).value();
    EXPECT_EQ(end.status, exit_status(exited{2}));
    EXPECT_EQ(end.err, "no: please\n");
}

TEST(conversation, that_breaks_off_is_told_in_the_childs_words)
{
    ::signal(SIGPIPE, SIG_DFL);
    run_here(talk_to_one_that_goes());
}

awaitable<void> talk_to_a_noisy_one()
{
    auto noisy =
        (co_await conversation::start(shell("head -c 9000000 /dev/zero >&2; read l; echo heard $l"))).value();
    (co_await noisy->say("it\n")).value();
    EXPECT_EQ((co_await noisy->hear_line()).value(), "heard it");
    const auto end = (co_await noisy->finish()).value();
    EXPECT_EQ(end.err.size(), 1u << 20);
}

TEST(conversation, is_not_blocked_by_errors_that_nobody_reads)
{
    run_here(talk_to_a_noisy_one());
}

awaitable<void> talk_to_one_with_a_lasting_grandchild(std::string pid_file)
{
    auto parent = (co_await conversation::start(shell("setsid sh -c 'echo $$ >" + pid_file +
                                                      "; exec sleep 600' & while ! [ -s " + pid_file +
                                                      " ]; do :; done; echo mine")))
                      .value();
    const auto end = (co_await parent->finish()).value();
    EXPECT_EQ(end.out, "mine\n");
    EXPECT_TRUE(end.ok());
}

TEST(conversation, does_not_wait_for_ever_for_a_grandchild_with_its_output)
{
    const test::temporary_folder here;
    const auto pid_file = (here.path() / "pid").string();
    run_here(talk_to_one_with_a_lasting_grandchild(pid_file)); // or it hangs
    ::kill(std::stoi(test::contents_of(pid_file)), SIGKILL);   // its own session: not ours to end
}

awaitable<void> leave_one_that_goes_and_one_that_does_not()
{
    auto goes = (co_await conversation::start(command("cat"))).value();
    co_await goes->leave();
    co_await goes->leave();
    auto stays = (co_await conversation::start(
                      shell("trap 'echo bye >&2; exit 3' TERM; echo here; while :; do sleep 0.05; done")))
                     .value();
    EXPECT_EQ((co_await stays->hear_line()).value(), "here");
    co_await stays->leave();
    EXPECT_TRUE(test::has_no_children());
}

TEST(conversation, that_is_left_is_over)
{
    run_here(leave_one_that_goes_and_one_that_does_not());
}

class locked_ref : public test::scenario {
public:
    awaitable<void> body() override
    {
        auto git = co_await conversation::start(
            command("git").args("-C", here_.path().string(), "update-ref", "--stdin"));
        if (!git) throw fault_error(git.error());
        const std::string zero(40, '0');
        if (!co_await (*git)->say("start\nverify refs/heads/x " + zero + "\nprepare\n")) co_return;
        (void)co_await (*git)->hear_line();
        (void)co_await (*git)->hear_line();
    }
    void check() override
    {
        EXPECT_TRUE(test::has_no_children());
        EXPECT_FALSE(std::filesystem::exists(here_.path() / ".git/refs/heads/x.lock"));
    }
    locked_ref()
    {
        const auto made = run_here(run(command("git").args("init", "-q", here_.path().string())));
        EXPECT_TRUE(made && made->ok());
    }

private:
    test::temporary_folder here_;
};

TEST(conversation, gives_gits_locks_back_when_cancelled_at_any_step)
{
    test::cancel_at_every_step([](asio::io_context&) { return std::make_unique<locked_ref>(); });
}

TEST(conversation, gives_gits_locks_back_when_its_context_goes_at_any_step)
{
    test::abandon_at_every_step([](asio::io_context&) { return std::make_unique<locked_ref>(); });
}

} // namespace
} // namespace graftline
