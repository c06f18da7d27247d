#include "graftline/runtime/process/conversation.hpp"

#include "graftline/runtime/async/deadline.hpp"
#include "graftline/runtime/async/parallel.hpp"
#include "graftline/runtime/async/shielded.hpp"
#include "graftline/runtime/process/child.hpp"
#include "graftline/runtime/process/command_time.hpp"
#include "graftline/runtime/process/held_by_pipe.hpp"
#include "graftline/runtime/process/left_commands.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <tuple>

namespace graftline {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t longest_line = std::size_t{16} << 20;
constexpr off_t kept_of_errors = off_t{1} << 20;
constexpr auto time_to_go = 250ms;
// Its lock files are removed in that. Long, for a machine with much to do: a lock that stays costs more.
constexpr auto time_to_tidy_up = 5s;

// A file in memory that cannot grow: the child's standard error never blocks it, and never costs more.
descriptor errors_file()
{
    auto file =
        above_standard(descriptor(::memfd_create("graftline-stderr", MFD_CLOEXEC | MFD_ALLOW_SEALING)));
    if (file && (::ftruncate(file.get(), kept_of_errors) != 0 ||
                 ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) != 0)) {
        file.reset();
    }
    return file;
}

void throw_if_aborted(const error_code& failure)
{
    if (failure == asio::error::operation_aborted) throw boost::system::system_error(failure);
}

} // namespace

class conversation::impl {
public:
    impl(const asio::any_io_executor& executor, std::size_t limit) : in(executor), out(executor), limit(limit)
    {
    }

    // Adopts our ends and gives the child's; false with errno.
    bool connect(descriptor& child_in, descriptor& child_out)
    {
        int sockets[2], ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) return false;
        descriptor our_in(sockets[0]);
        child_in = above_standard(descriptor(sockets[1]));
        if (!child_in || ::pipe2(ends, O_CLOEXEC) != 0) return false;
        descriptor our_out(ends[0]);
        child_out = above_standard(descriptor(ends[1]));
        if (!child_out) return false;
        error_code failure;
        if (in.assign(asio::local::stream_protocol(), our_in.get(), failure)) return failed_with(failure);
        std::ignore = our_in.release();
        if (out.assign(our_out.get(), failure)) return failed_with(failure);
        std::ignore = our_out.release();
        errors = errors_file();
        return static_cast<bool>(errors);
    }

    // What the child said about itself so far. The file's offset is shared with it: it is where it writes
    // next.
    std::string own_words() const
    {
        const auto size = std::min(::lseek(errors.get(), 0, SEEK_CUR), kept_of_errors);
        std::string text(static_cast<std::size_t>(std::max<off_t>(size, 0)), '\0');
        const auto got = ::pread(errors.get(), text.data(), text.size(), 0);
        text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        return text;
    }

    fault gone(const char* what) const
    {
        fault f(errc::command_failed, words.front() + " " + what);
        f.with("command", quoted(words));
        if (auto said = own_words(); !said.empty()) {
            while (said.ends_with('\n'))
                said.pop_back();
            f.with("it said", std::move(said));
        }
        return f;
    }

    /// As long as the result lives, we wait for the program.
    std::shared_ptr<void> its_turn()
    {
        time->go_on();
        return {nullptr, [this](void*) { time->rest(); }};
    }

    awaitable<void> go()
    {
        auto ends = [](child& one) -> awaitable<bool> {
            co_await one.ended();
            co_return true;
        };
        const auto gone = co_await within(time_to_go, ends(*program));
        try {
            if (gone)
                co_await program->wait();
            else
                co_await program->stop(time_to_tidy_up);
        } catch (const fault_error&) { // the host took its exit status: it is over
        }
    }

    static bool failed_with(const error_code& failure)
    {
        errno = failure.value();
        return false;
    }

    awaitable<void> take_rest(error_code& failure)
    {
        co_await asio::async_read(out, asio::dynamic_buffer(heard, limit),
                                  asio::redirect_error(use_awaitable, failure));
    }

    // A grandchild may hold the output for ever: no longer than this after the program's end is it heard.
    awaitable<void> outlast_program()
    {
        co_await program->ended();
        asio::steady_timer patience(co_await asio::this_coro::executor, 1s);
        co_await patience.async_wait(use_awaitable);
    }

    std::unique_ptr<child> program;
    std::optional<command_time> time;
    asio::local::stream_protocol::socket in;
    asio::readable_pipe out;
    descriptor errors;
    std::string heard; // read, not given yet
    std::size_t limit;
    std::vector<std::string> words;
};

conversation::conversation(std::unique_ptr<impl> inside) : inside_(std::move(inside)) {}

conversation::~conversation()
{
    close_input();
    inside_->time.reset(); // which refers to the program
    if (inside_->program->ended_within(time_to_go)) return;
    inside_->program->signal_tree(SIGTERM);
    inside_->program->ended_within(time_to_tidy_up); // then the child's own destructor kills
}

awaitable<void> conversation::leave()
{
    close_input();
    const bool heeds = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await shielded(inside_->go());
    co_await asio::this_coro::throw_if_cancelled(heeds);
}

awaitable<result<std::unique_ptr<conversation>>> conversation::start(command what)
{
    const auto executor = co_await asio::this_coro::executor;
    auto inside = std::make_unique<impl>(executor, what.limit());
    inside->words = what.words();
    descriptor child_in, child_out;
    if (!inside->connect(child_in, child_out)) {
        co_return system_fault(errno, "could not connect to " + what.words().front());
    }
    launch how{what.words(),   marked_environment(what), what.folder(),
               child_in.get(), child_out.get(),          inside->errors.get()};
    auto started = child::start(executor, how);
    if (!started) co_return started.error();
    inside->program = std::move(*started);
    inside->time.emplace(executor, *inside->program, what);
    inside->time->rest();
    co_return std::unique_ptr<conversation>(new conversation(std::move(inside)));
}

awaitable<result<void>> conversation::say(std::string text)
{
    const auto turn = inside_->its_turn();
    error_code failure;
    co_await asio::async_write(inside_->in, asio::buffer(text), asio::redirect_error(use_awaitable, failure));
    throw_if_aborted(failure);
    if (failure) co_return inside_->gone("does not listen any more");
    co_return result<void>();
}

awaitable<result<std::string>> conversation::hear_line()
{
    const auto turn = inside_->its_turn();
    error_code failure;
    const auto size =
        co_await asio::async_read_until(inside_->out, asio::dynamic_buffer(inside_->heard, longest_line),
                                        '\n', asio::redirect_error(use_awaitable, failure));
    throw_if_aborted(failure);
    if (failure == asio::error::not_found) co_return inside_->gone("printed an endless line");
    if (failure) co_return inside_->gone("said nothing more");
    std::string line = inside_->heard.substr(0, size - 1);
    inside_->heard.erase(0, size);
    co_return line;
}

awaitable<result<std::string>> conversation::hear(std::size_t bytes)
{
    std::string text = inside_->heard.substr(0, bytes);
    inside_->heard.erase(0, text.size());
    const auto turn = inside_->its_turn();
    const auto begun = text.size();
    text.resize(bytes);
    error_code failure;
    const auto more =
        co_await asio::async_read(inside_->out, asio::buffer(text.data() + begun, bytes - begun),
                                  asio::redirect_error(use_awaitable, failure));
    if (!failure) co_return text;
    inside_->heard.insert(0, text, 0, begun + more); // for whoever asks again
    throw_if_aborted(failure);
    co_return inside_->gone("said nothing more");
}

void conversation::close_input() noexcept
{
    error_code ignored;
    std::ignore = inside_->in.close(ignored);
}

awaitable<result<command_output>> conversation::finish()
{
    close_input();
    const auto turn = inside_->its_turn();
    error_code failure;
    std::vector<awaitable<void>> either;
    either.push_back(inside_->take_rest(failure));
    either.push_back(inside_->outlast_program());
    co_await parallel::race(std::move(either));
    // The program's own words are all in there, even if it was this process that stood still meanwhile.
    if (failure != asio::error::eof) inside_->heard += held_by_pipe(inside_->out.native_handle());
    if (!failure || inside_->heard.size() > inside_->limit) co_return inside_->gone("printed too much");
    const auto status = co_await inside_->program->wait();
    co_return command_output{status, std::move(inside_->heard), inside_->own_words(),
                             inside_->time->overdue()};
}

} // namespace graftline
