#include "graftline/runtime/process/command.hpp"

#include "graftline/runtime/async/shielded.hpp"
#include "graftline/runtime/process/captured_stream.hpp"
#include "graftline/runtime/process/child.hpp"
#include "graftline/runtime/process/command_time.hpp"
#include "graftline/runtime/process/left_commands.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace graftline {
namespace {

using namespace std::chrono_literals;

constexpr auto grace = 5s; // between TERM and KILL when cancelled
constexpr auto patience_for_tail =
    1s; // for output after the program's end, while a grandchild holds the stream

// A file in memory: unlike a pipe it needs nobody to write while the program runs, and cannot raise SIGPIPE.
result<descriptor> as_file(const std::string& text)
{
    auto file = above_standard(descriptor(::memfd_create("graftline-stdin", MFD_CLOEXEC)));
    if (!file || !write_all(file.get(), text) || ::lseek(file.get(), 0, SEEK_SET) != 0) {
        return system_fault(errno, "could not keep the standard input of a command");
    }
    return file;
}

// Waits until both streams ended. When that takes too long they end with what they hold: all of the program's
// own is in there, even if it was this process that stood still meanwhile.
awaitable<void> drained(captured_stream& out, captured_stream& err)
{
    asio::steady_timer patience(co_await asio::this_coro::executor, patience_for_tail);
    out.when_done([&] { patience.cancel(); });
    err.when_done([&] { patience.cancel(); });
    while (!(out.done() && err.done())) {
        error_code woken;
        co_await patience.async_wait(asio::redirect_error(use_awaitable, woken));
        if (woken) continue;
        out.hurry();
        err.hurry();
        patience.expires_at(asio::steady_timer::time_point::max());
    }
    out.when_done({});
    err.when_done({});
}

fault printed_too_much(const command& what)
{
    return fault(errc::command_failed,
                 what.words().front() + " printed more than " + std::to_string(what.limit()) + " bytes")
        .with("command", quoted(what.words()));
}

} // namespace

command& command::add(std::string word)
{
    words_.push_back(std::move(word));
    return *this;
}

command& command::in(std::filesystem::path folder)
{
    folder_ = std::move(folder);
    return *this;
}

command& command::set(std::string name, std::string value)
{
    changes_.emplace_back(std::move(name), std::move(value));
    return *this;
}

command& command::unset(std::string name)
{
    changes_.emplace_back(std::move(name), std::nullopt);
    return *this;
}

command& command::feed(std::string standard_input)
{
    input_ = std::move(standard_input);
    return *this;
}

command& command::keep(std::size_t bytes)
{
    limit_ = bytes;
    return *this;
}

command& command::take_at_most(std::chrono::milliseconds longest)
{
    longest_ = longest;
    return *this;
}

std::string command::purpose() const
{
    std::string said;
    for (const auto& [name, value] : changes_)
        if (name == purpose_name) said = value.value_or("");
    return said;
}

std::vector<std::string> command::environment() const
{
    auto all = current_environment();
    for (const auto& [name, value] : changes_) {
        const std::string start = name + "=";
        std::erase_if(all, [&](const std::string& entry) { return entry.starts_with(start); });
        if (value) all.push_back(start + *value);
    }
    return all;
}

awaitable<result<command_output>> run(command what)
{
    const auto executor = co_await asio::this_coro::executor;
    auto out = captured_stream::make(executor, what.limit());
    if (!out) co_return out.error();
    auto err = captured_stream::make(executor, what.limit());
    if (!err) co_return err.error();
    result<descriptor> in = what.standard_input() ? as_file(*what.standard_input()) : descriptor();
    if (!in) co_return in.error();

    launch how{what.words(), marked_environment(what), what.folder(),
               in->get(),    (*out)->child_end(),      (*err)->child_end()};
    auto started = child::start(executor, how);
    if (!started) co_return started.error();
    child& program = **started;
    const command_time time(executor, program, what);
    auto too_much = [&program] { program.signal_tree(SIGKILL); };
    (*out)->listen(too_much);
    (*err)->listen(too_much);

    bool cancelled = false; // no co_await in a catch handler
    try {
        co_await program.ended();
        co_await drained(**out, **err);
    } catch (const boost::system::system_error&) {
        cancelled = true;
    }
    (*out)->close();
    (*err)->close();
    if (cancelled) {
        co_await asio::this_coro::throw_if_cancelled(false);
        co_await shielded(program.stop(grace));
        co_await asio::this_coro::throw_if_cancelled(true);
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    try {
        const auto status = program.reap();
        if ((*out)->overflowed() || (*err)->overflowed()) co_return printed_too_much(what);
        co_return command_output{status, (*out)->take(), (*err)->take(), time.overdue()};
    } catch (const fault_error& taken) {
        co_return fault(taken.why()).with("command", quoted(what.words()));
    }
}

std::string quoted(const std::vector<std::string>& words)
{
    constexpr std::string_view plain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=./:,@%^{}~";
    std::string all;
    for (const auto& word : words) {
        if (!all.empty()) all += ' ';
        if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) {
            all += word;
            continue;
        }
        all += '\'';
        for (char c : word)
            all += c == '\'' ? std::string("'\\''") : std::string(1, c);
        all += '\'';
    }
    return all;
}

} // namespace graftline
