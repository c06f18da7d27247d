#include "graftline/effects/agent/poll.hpp"
#include "graftline/effects/run/retry_policy.hpp"
#include "graftline/git/repository/failure_words.hpp"

#include "tests/effects/effects_on_record.hpp"
#include "tests/support/processes.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace graftline::effects {
namespace {

using test::ends;
using test::program;
using test::stage;

/// Fails as a read-only disk makes it fail, until that is mended.
struct write_something {
    static constexpr std::string_view kind = "write_something";
    using outcome = test::said_back;
    static inline bool disk_is_well = false;

    std::string name;

    awaitable<result<test::said_back>> carry_out(run&) const
    {
        ++stage::present().carried_out[name];
        if (!disk_is_well) co_return system_fault(EROFS, "the file could not be written").with("file", name);
        co_return test::said_back{name};
    }
};
BOOST_DESCRIBE_STRUCT(write_something, (), (name))

class Environment : public testing::Test {
protected:
    Environment()
    {
        stage::present() = stage();
        write_something::disk_is_well = false;
    }
    std::string the_run()
    {
        return place_.with([](std::shared_ptr<project> in) -> awaitable<std::string> {
            co_return co_await in->must_store([](store& s) { return s.runs().front().id; });
        });
    }
    void go(const std::string& id, program body, ends how = ends::orderly)
    {
        place_.with([&](std::shared_ptr<project> in) { return test::carry_out_program(in, id, body, how); });
    }

    test::workshop place_;
};

TEST_F(Environment, ItsFaultIsNoOutcomeButInterruptsTheRun)
{
    std::optional<fault> said;
    bool swallowed = false;
    program body = [&](context& ctx) -> awaitable<void> {
        auto& r = ctx.in();
        const auto look = std::shared_ptr<void>(nullptr, [&](void*) { said = r.environment_fault(); });
        write_something one{"one"}, two{"two"};
        const auto done = co_await ctx.try_perform(one);
        swallowed = !done;
        co_await ctx.perform(two);
    };
    EXPECT_THROW(go({}, body), interrupted);
    EXPECT_FALSE(swallowed) << "a program must not act on what is no outcome";
    ASSERT_TRUE(said);
    EXPECT_THAT(said->message(), testing::AllOf(testing::HasSubstr("could not be written"),
                                                testing::HasSubstr("Read-only file system")));
    write_something::disk_is_well = true;
    go(the_run(), body);
    EXPECT_EQ(stage::present().carried_out["one"], 2);
    EXPECT_EQ(stage::present().carried_out["two"], 1);
    EXPECT_FALSE(said);
}

TEST_F(Environment, TellsFaultsOfTheMachineFromThoseOfAnEffect)
{
    for (const int number : {ENOSPC, EDQUOT, EROFS, EIO, ENOMEM, EMFILE, ENFILE})
        EXPECT_TRUE(is_of_the_environment(system_fault(number, "x"))) << number;
    for (const int number : {ENOENT, EACCES, EEXIST, EAGAIN})
        EXPECT_FALSE(is_of_the_environment(system_fault(number, "x"))) << number;
    EXPECT_FALSE(is_of_the_environment(fault(errc::command_failed, "x")));
    EXPECT_FALSE(is_of_the_environment(fault(errc::busy, "x")));
}

TEST_F(Environment, TellsADiskThatTakesNothingByGitsWords)
{
    const auto failed = make_error_code(errc::command_failed);
    const auto kind = [&](std::string_view words) { return git::kind_of_failure(words, failed); };
    EXPECT_EQ(kind("fatal: write error: No space left on device"), make_error_code(errc::no_space));
    for (const auto* words :
         {"error: unable to create temporary file: Read-only file system",
          "fatal: unable to write new index file", "fatal: write error: Input/output error",
          "error: insufficient permission for adding an object to repository database"})
        EXPECT_EQ(kind(words), make_error_code(errc::unusable)) << words;
    for (const auto* words : {"error: unable to write file a/b: Permission denied",
                              "sh: echo: write error: Broken pipe", "fatal: not a git repository"})
        EXPECT_EQ(kind(words), failed) << words;
}

TEST_F(Environment, APollThatIsGoneOnWithKeepsItsDeadline)
{
    const auto tried = place_.repo.root() / "tried";
    const auto go_on = place_.repo.root() / "go-on";
    constexpr auto limit = std::chrono::milliseconds(300);
    poll waits;
    waits.words = {"sh", "-c",
                   "echo x >> '" + tried.string() + "'; [ -e '" + go_on.string() +
                       "' ] || sleep 600; exit 1"};
    waits.every_ms = 10;
    waits.limit_ms = limit.count();
    polled heard;
    program body = [&](context& ctx) -> awaitable<void> { heard = co_await ctx.perform(waits); };
    {
        // The process dies during the first try.
        asio::io_context io(1);
        auto in = place_.open(io);
        asio::co_spawn(io, test::carry_out_program(in, {}, body, ends::orderly),
                       [](std::exception_ptr, std::string) {});
        ASSERT_TRUE(test::soon([&] {
            io.restart();
            io.run_for(std::chrono::milliseconds(5));
            return std::filesystem::exists(tried);
        }));
    }
    const auto deadline = std::chrono::steady_clock::now() + limit;
    ASSERT_TRUE(test::soon([&] { return std::chrono::steady_clock::now() > deadline; }));
    heard.passed = true;
    test::write_file(go_on, "");
    go(the_run(), body);
    EXPECT_FALSE(heard.passed);
    EXPECT_EQ(heard.tries, 1) << "the deadline had passed: one last look";
}

} // namespace
} // namespace graftline::effects
