#include "graftline/runtime/async/deadline.hpp"
#include "graftline/runtime/async/parallel.hpp"
#include "graftline/runtime/files/follow.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "tests/support/cancel_at_every_step.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/test_repository.hpp"
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

namespace graftline {
namespace {

using namespace std::chrono_literals;
using test::run_here;

void append(const std::filesystem::path& file, std::string_view text)
{
    std::ofstream(file, std::ios::app | std::ios::binary) << text;
}

awaitable<void> pause(std::chrono::milliseconds span)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, span);
    co_await timer.async_wait(use_awaitable);
}

awaitable<std::string> read_to_end(follower& from)
{
    std::string all;
    for (;;) {
        const auto more = (co_await from.read_some()).value();
        if (more.empty()) co_return all;
        all += more;
    }
}

awaitable<std::string> write_slowly(std::filesystem::path file, follower& reader)
{
    co_await pause(20ms);
    std::filesystem::create_directories(file.parent_path());
    for (int i = 0; i < 5; ++i) {
        append(file, "line " + std::to_string(i) + "\n");
        co_await pause(20ms);
    }
    append(file, "half");
    reader.finish();
    co_return "";
}

awaitable<std::string> follow_a_slow_writer(std::filesystem::path file)
{
    follower reader(co_await asio::this_coro::executor, file);
    std::vector<awaitable<std::string>> both;
    both.push_back(read_to_end(reader));
    both.push_back(write_slowly(file, reader));
    auto done = co_await parallel::all(std::move(both));
    co_return done.front().value();
}

TEST(follow, waits_for_the_file_and_for_its_growth)
{
    const test::temporary_folder here;
    EXPECT_EQ(run_here(follow_a_slow_writer(here.path() / "not/yet/there.log")),
              "line 0\nline 1\nline 2\nline 3\nline 4\nhalf");
}

awaitable<std::string> follow_until_finished(std::filesystem::path file)
{
    follower reader(co_await asio::this_coro::executor, file);
    reader.finish();
    co_return co_await read_to_end(reader);
}

TEST(follow, gives_all_that_is_there_once_it_is_finished)
{
    const test::temporary_folder here;
    const auto file = here.path() / "log";
    EXPECT_EQ(run_here(follow_until_finished(file)), "");
    std::string bytes(300'000, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<char>(i * 7);
    append(file, bytes);
    EXPECT_TRUE(run_here(follow_until_finished(file)) == bytes);
}

awaitable<void> cancel_and_go_on(std::filesystem::path file)
{
    follower reader(co_await asio::this_coro::executor, file);
    append(file, "a");
    EXPECT_EQ((co_await reader.read_some()).value(), "a");
    EXPECT_FALSE(co_await within(30ms, reader.read_some()));
    append(file, "b");
    EXPECT_EQ((co_await reader.read_some()).value(), "b");
}

TEST(follow, loses_nothing_when_a_read_is_cancelled)
{
    const test::temporary_folder here;
    run_here(cancel_and_go_on(here.path() / "log"));
}

awaitable<std::string> five_readers_of_one_file(std::filesystem::path file)
{
    const auto executor = co_await asio::this_coro::executor;
    std::vector<follower> readers;
    for (int i = 0; i < 5; ++i)
        readers.emplace_back(executor, file);
    std::vector<awaitable<std::string>> all;
    for (auto& reader : readers)
        all.push_back(read_to_end(reader));
    for (std::size_t i = 1; i < readers.size(); ++i)
        readers[i].skip_to(2);
    all.push_back([](std::filesystem::path to, std::vector<follower>& to_finish) -> awaitable<std::string> {
        append(to, "ab");
        co_await pause(70ms);
        append(to, "cd");
        co_await pause(70ms);
        for (auto& one : to_finish)
            one.finish();
        co_return "";
    }(file, readers));
    std::string joined;
    for (auto& one : co_await parallel::all(std::move(all)))
        joined += one.value() + ";";
    co_return joined;
}

TEST(follow, several_may_follow_one_file)
{
    const test::temporary_folder here;
    EXPECT_EQ(run_here(five_readers_of_one_file(here.path() / "log")), "abcd;cd;cd;cd;cd;;");
}

std::size_t inotify_instances()
{
    std::size_t found = 0;
    std::error_code gone;
    for (const auto& fd : std::filesystem::directory_iterator("/proc/self/fd"))
        found += std::filesystem::read_symlink(fd.path(), gone) == "anon_inode:inotify";
    return found;
}

awaitable<std::string> follow_many(std::filesystem::path folder)
{
    const auto executor = co_await asio::this_coro::executor;
    std::vector<follower> readers;
    for (int i = 0; i < 50; ++i)
        readers.emplace_back(executor, folder / std::to_string(i));
    std::vector<awaitable<std::string>> all;
    for (auto& reader : readers)
        all.push_back(read_to_end(reader));
    all.push_back([](std::filesystem::path in, std::vector<follower>& to_finish) -> awaitable<std::string> {
        for (int i = 0; i < 50; ++i)
            append(in / std::to_string(i), "x");
        co_await pause(70ms);
        EXPECT_EQ(inotify_instances(), 1u);
        for (auto& one : to_finish)
            one.finish();
        co_return "";
    }(folder, readers));
    std::string joined;
    for (auto& one : co_await parallel::all(std::move(all)))
        joined += one.value();
    co_return joined;
}

// A user has 128 instances.
TEST(follow, takes_one_instance_of_inotify_for_all)
{
    const test::temporary_folder here;
    EXPECT_EQ(run_here(follow_many(here.path())), std::string(50, 'x'));
}

awaitable<void> follow_without_events(std::filesystem::path file)
{
    append(file, "a");
    follower reader(co_await asio::this_coro::executor, file);
    EXPECT_EQ((co_await reader.read_some()).value(), "a");
    // No descriptor is left for an instance.
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    auto none = before;
    none.rlim_cur = static_cast<rlim_t>(::dup(0));
    ::close(static_cast<int>(none.rlim_cur));
    ::setrlimit(RLIMIT_NOFILE, &none);
    EXPECT_LT(::open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
    std::vector<awaitable<std::string>> both;
    both.push_back([](follower& from) -> awaitable<std::string> {
        co_return (co_await from.read_some()).value();
    }(reader));
    both.push_back([](std::filesystem::path to, rlimit back) -> awaitable<std::string> {
        co_await pause(20ms); // it waits by now
        ::setrlimit(RLIMIT_NOFILE, &back);
        append(to, "b");
        co_return "";
    }(file, before));
    auto done = co_await parallel::all(std::move(both));
    EXPECT_EQ(done.front().value(), "b");
}

TEST(follow, looks_again_by_a_timer_where_there_are_no_events)
{
    const test::temporary_folder here;
    run_here(follow_without_events(here.path() / "log"));
}

/// Reads a file that is larger than anybody reads in one go, beside one that counts its own turns.
awaitable<std::size_t> turns_beside(std::filesystem::path file, bool takes_time)
{
    const auto executor = co_await asio::this_coro::executor;
    follower reader(executor, file);
    reader.finish();
    if (takes_time) reader.take_time();
    bool over = false;
    auto count = [&over](asio::any_io_executor on) -> awaitable<std::size_t> {
        std::size_t turns = 0;
        while (!over) {
            co_await asio::post(on, use_awaitable);
            ++turns;
        }
        co_return turns;
    };
    auto read = [&over](follower& from) -> awaitable<std::size_t> {
        const auto all = co_await read_to_end(from);
        over = true;
        co_return all.size();
    };
    std::vector<awaitable<std::size_t>> both;
    both.push_back(count(executor));
    both.push_back(read(reader));
    auto done = co_await parallel::all(std::move(both));
    EXPECT_EQ(done.back().value(), std::filesystem::file_size(file));
    co_return done.front().value();
}

TEST(follow, lets_others_have_their_turns_while_there_is_always_more)
{
    const test::temporary_folder here;
    const auto file = here.path() / "log";
    append(file, std::string(8 << 20, 'x'));
    EXPECT_GE(run_here(turns_beside(file, false)), 30u);
    EXPECT_GE(run_here(turns_beside(file, true)), 30u)
        << "and the writer has ended: there is no need to rest";
}

awaitable<std::string> skip_to_the_end(std::filesystem::path file)
{
    follower reader(co_await asio::this_coro::executor, file);
    std::string read = (co_await reader.read_some()).value().substr(0, 1);
    EXPECT_TRUE(reader.skip_all_but(10));
    EXPECT_FALSE(reader.skip_all_but(10));
    reader.finish();
    co_return read + co_await read_to_end(reader);
}

TEST(follow, leaves_out_what_is_far_behind)
{
    const test::temporary_folder here;
    const auto file = here.path() / "log";
    append(file, "a" + std::string(1 << 20, 'x') + "0123456789");
    EXPECT_EQ(run_here(skip_to_the_end(file)), "a0123456789");
}

TEST(line_splitter, leaves_out_a_line_of_which_bytes_are_missing)
{
    line_splitter lines;
    EXPECT_TRUE(lines.feed("one").empty());
    lines.skip_rest_of_line();
    EXPECT_EQ(lines.feed("rest\ntwo\nthr"), std::vector<std::string>{"two"});
    EXPECT_EQ(lines.feed("ee\n"), std::vector<std::string>{"three"});
    lines.skip_rest_of_line();
    EXPECT_TRUE(lines.feed("rest").empty());
    EXPECT_EQ(lines.take_rest(), "");
}

class reader_of_nothing : public test::scenario {
public:
    awaitable<void> body() override
    {
        follower reader(co_await asio::this_coro::executor, file_);
        append(file_, "x");
        (void)co_await reader.read_some();
        (void)co_await within(120ms, reader.read_some());
    }
    reader_of_nothing() : file_(here_.path() / "log") {}

private:
    test::temporary_folder here_;
    std::filesystem::path file_;
};

TEST(follow, ends_cleanly_when_cancelled_or_abandoned_at_any_step)
{
    const auto before = test::open_descriptors();
    test::cancel_at_every_step([](asio::io_context&) { return std::make_unique<reader_of_nothing>(); });
    test::abandon_at_every_step([](asio::io_context&) { return std::make_unique<reader_of_nothing>(); });
    EXPECT_EQ(test::open_descriptors(), before);
}

TEST(follow_lines, come_whole_whatever_the_chunks)
{
    const std::string text = std::string("one\n\ntw\0o\xff\xfe\r\n", 13) + "half";
    for (std::size_t size = 1; size <= text.size(); ++size) {
        line_splitter lines;
        std::vector<std::string> all;
        for (std::size_t at = 0; at < text.size(); at += size) {
            for (auto& line : lines.feed(std::string_view(text).substr(at, size)))
                all.push_back(line);
        }
        EXPECT_EQ(all, (std::vector<std::string>{"one", "", std::string("tw\0o\xff\xfe", 6)})) << size;
        EXPECT_EQ(lines.take_rest(), "half");
        EXPECT_TRUE(lines.at_line_start());
    }
}

TEST(follow_lines, that_are_endless_are_cut)
{
    line_splitter lines(10);
    EXPECT_TRUE(lines.feed(std::string(1'000'000, 'a')).empty());
    EXPECT_EQ(lines.feed("b\nnext\n"), (std::vector<std::string>{"aaaaaaaaaa", "next"}));
}

} // namespace
} // namespace graftline
