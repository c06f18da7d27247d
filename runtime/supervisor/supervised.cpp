#include "graftline/runtime/supervisor/supervised.hpp"

#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/async/shielded.hpp"
#include "graftline/runtime/files/file_lock.hpp"
#include "graftline/runtime/files/small_file.hpp"
#include "graftline/runtime/process/captured_stream.hpp"
#include "graftline/runtime/process/child.hpp"
#include "graftline/runtime/process/dropped_children.hpp"
#include "graftline/runtime/process/process_tree.hpp"
#include "graftline/runtime/supervisor/attempt_files.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <tuple>

namespace graftline {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t longest_answer = 1 << 20;
constexpr std::size_t longest_record = 1 << 20;
// Between a supervisor's lock and its identity are a few milliseconds. Looks, not a time: when the machine
// stood still, so did the supervisor.
constexpr int looks_for_identity = 200;
constexpr auto between_looks = 10ms;

template <class T, class Read> result<std::optional<T>> read_file(const fs::path& file, Read read)
{
    auto text = read_small_file(file, longest_record);
    if (!text) return text.error();
    if (!*text) return std::optional<T>();
    // Each is renamed into place as a whole: only a power cut leaves one empty, or filled with anything else.
    // Such a file tells nothing, as one that is gone.
    result<T> value = read(**text);
    if (!value) return std::optional<T>();
    return std::optional<T>(std::move(*value));
}

result<void> make_folder(const fs::path& folder)
{
    std::error_code failure;
    fs::create_directories(folder.parent_path(), failure);
    if (!failure && ::mkdir(folder.c_str(), 0700) == 0) return {};
    const int why = failure ? failure.value() : errno;
    if (why == EEXIST && fs::is_directory(folder, failure)) return {};
    return system_fault(why, "could not make " + folder.string());
}

result<descriptor> file_of(const std::string& text)
{
    auto file = above_standard(descriptor(::memfd_create("graftline-attempt", MFD_CLOEXEC)));
    if (!file || !write_all(file.get(), text) || ::lseek(file.get(), 0, SEEK_SET) != 0) {
        return system_fault(errno, "could not say what to run");
    }
    return file;
}

// The supervisor works elsewhere: no path may depend on where we are.
void make_absolute(attempt_spec& spec)
{
    spec.folder = fs::absolute(spec.folder);
    spec.cwd = spec.cwd.empty() ? spec.folder : fs::absolute(spec.cwd);
    if (spec.standard_input) spec.standard_input = fs::absolute(*spec.standard_input);
}

// Looks through all processes several times: off the loop.
awaitable<void> end_all(process_identity gone)
{
    auto end = [&gone] { end_leftovers(gone); };
    co_await offload(std::move(end));
}

// A supervisor that was just started and cannot be watched. It is our child, and not reaped: the pid is its.
awaitable<void> end_unwatched(pid_t pid, fs::path folder)
{
    auto end = [&] {
        ::kill(pid, SIGHUP); // as SIGQUIT, but it leaves no core file before the supervisor's first line
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
        }
    };
    co_await offload(std::move(end));
    if (auto claimed = read_identity(folder); claimed && *claimed) co_await end_all(**claimed);
}

} // namespace

// Holds the supervisor by its pidfd. Our own children are reaped; one that is not over when its handle goes
// is handed to those that are reaped later.
class supervised::impl {
public:
    impl(const asio::any_io_executor& executor, fs::path folder, bool ours)
        : folder_(std::move(folder)), process_(executor), ours_(ours),
          dropped_(dropped_children::of(executor))
    {
    }
    ~impl()
    {
        if (!ours_ || !process_.is_open() || reap(process_.native_handle())) return;
        dropped_->keep(descriptor(process_.release()));
    }
    impl(const impl&) = delete;
    impl& operator=(const impl&) = delete;

    result<void> hold(pid_t pid) { return hold(descriptor(open_process(pid))); }

    result<void> hold(descriptor process)
    {
        if (!process) return system_fault(errno, "could not watch the supervisor");
        error_code failed;
        if (process_.assign(process.get(), failed))
            return system_fault(failed.value(), "could not watch the supervisor");
        std::ignore = process.release();
        return {};
    }

    awaitable<void> ended()
    {
        for (;;) {
            pollfd one{process_.native_handle(), POLLIN, 0};
            if (::poll(&one, 1, 0) > 0) break;
            co_await process_.async_wait(asio::posix::stream_descriptor::wait_read, use_awaitable);
        }
        if (ours_) ours_ = !reap(process_.native_handle());
    }

    awaitable<exit_record> read_end() const
    {
        auto record = read_exit_record(folder_);
        if (record && *record) co_return **record;
        co_await end_all(identity_);
        exit_record lost;
        lost.words = record ? "the supervisor ended without a record" : record.error().message();
        lost.started_at = identity_.started_at;
        lost.ended_at = real_clock().now();
        co_return lost;
    }

    void signal(int signo) noexcept { send_signal(process_.native_handle(), signo); }

    void know(process_identity identity) { identity_ = std::move(identity); }
    const process_identity& identity() const noexcept { return identity_; }

private:
    fs::path folder_;
    asio::posix::stream_descriptor process_;
    bool ours_;
    std::shared_ptr<dropped_children> dropped_;
    process_identity identity_;
};

supervised::supervised(std::unique_ptr<impl> inside) : inside_(std::move(inside)) {}
supervised::supervised(supervised&&) noexcept = default;
supervised& supervised::operator=(supervised&&) noexcept = default;
supervised::~supervised() = default;

namespace {

// Its answer; empty when it died without one.
awaitable<std::string> hear_answer(std::shared_ptr<captured_stream> from)
{
    asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    from->when_done([&] { never.cancel(); });
    from->listen([] {});
    while (!from->done()) {
        error_code ignored;
        co_await never.async_wait(asio::redirect_error(use_awaitable, ignored));
    }
    co_return from->take();
}

fault no_answer(const std::vector<std::string>& supervisor_command)
{
    std::string words;
    for (const auto& word : supervisor_command)
        words += (words.empty() ? "" : " ") + word;
    return fault(errc::could_not_start, "the supervisor ended before it answered").with("command", words);
}

} // namespace

awaitable<result<supervised>> supervised::start(std::vector<std::string> supervisor_command,
                                                attempt_spec spec)
{
    const auto executor = co_await asio::this_coro::executor;
    if (spec.words.empty() || spec.words.front().empty()) {
        co_return fault(errc::could_not_start, "could not start: the command is empty");
    }
    make_absolute(spec);
    if (auto made = make_folder(spec.folder); !made) co_return made.error();
    auto input = file_of(attempt::to_json(spec));
    if (!input) co_return input.error();
    auto output = captured_stream::make(executor, longest_answer);
    if (!output) co_return output.error();

    launch how{
        std::move(supervisor_command), std::move(spec.environment), {}, input->get(), (*output)->child_end()};
    how.own_session = true;
    auto inside = std::make_unique<impl>(executor, spec.folder, true);
    const auto pid = spawn(how);
    if (!pid) co_return pid.error();
    if (const auto held = inside->hold(*pid); !held) {
        // ESRCH: the host reaps every child. Then the pid may be anybody's.
        const bool lives = held.error().code() != error_code(ESRCH, boost::system::system_category());
        co_await asio::this_coro::throw_if_cancelled(false);
        if (lives) co_await shielded(end_unwatched(*pid, spec.folder));
        co_await asio::this_coro::throw_if_cancelled(true);
        co_return fault(held.error()).with("attempt", spec.folder.string());
    }

    std::string answer;
    bool cancelled = false;
    try {
        answer = co_await hear_answer(*output);
    } catch (const boost::system::system_error&) {
        cancelled = true;
    }
    (*output)->close();
    if (!cancelled && !answer.empty()) {
        auto identity = attempt::read_answer(answer);
        if (!identity) {
            co_await shielded(inside->ended()); // it refused, and ends by itself
            co_return identity.error();
        }
        inside->know(std::move(*identity));
        co_return supervised(std::move(inside));
    }
    co_await asio::this_coro::throw_if_cancelled(false);
    inside->signal(
        SIGHUP); // as SIGQUIT, but it leaves no core file if it comes before the supervisor's first line
    co_await shielded(inside->ended());
    if (auto claimed = read_identity(spec.folder); claimed && *claimed) co_await shielded(end_all(**claimed));
    co_await asio::this_coro::throw_if_cancelled(true);
    if (cancelled) throw boost::system::system_error(asio::error::operation_aborted);
    co_return no_answer(how.words);
}

awaitable<result<std::optional<supervised>>> supervised::adopt(fs::path attempt_folder)
{
    const auto executor = co_await asio::this_coro::executor;
    attempt_folder = fs::absolute(attempt_folder);
    for (int look = 0; look < looks_for_identity; ++look) {
        auto held = file_lock::is_held(attempt_folder / attempt::lock_name);
        if (!held) co_return held.error();
        auto identity = read_identity(attempt_folder);
        if (!identity) co_return identity.error();
        if (!*held) {
            auto record = read_exit_record(attempt_folder);
            if (*identity && record && !*record) co_await end_all(**identity);
            co_return std::optional<supervised>();
        }
        // The pidfd first: what is alive after that is what the pidfd means.
        descriptor process(*identity ? open_process((*identity)->pid) : -1);
        if (*identity && !process && errno != ESRCH)
            co_return system_fault(errno, "could not watch the supervisor")
                .with("attempt", attempt_folder.string());
        if (process && is_alive(**identity)) {
            auto inside = std::make_unique<impl>(executor, attempt_folder, false);
            if (auto watched = inside->hold(std::move(process)); !watched) co_return watched.error();
            inside->know(std::move(**identity));
            co_return std::optional<supervised>(supervised(std::move(inside)));
        }
        asio::steady_timer soon(executor, between_looks); // it is about to say who it is, or about to end
        co_await soon.async_wait(use_awaitable);
    }
    co_return fault(errc::busy, "the attempt is held by a process that cannot be reached from here")
        .with("attempt", attempt_folder.string());
}

awaitable<exit_record> supervised::wait()
{
    auto* inside = inside_.get(); // the handle may move meanwhile
    co_await inside->ended();
    co_return co_await inside->read_end();
}

void supervised::cancel() noexcept
{
    inside_->signal(SIGTERM);
}
void supervised::kill() noexcept
{
    inside_->signal(SIGQUIT);
}
const process_identity& supervised::identity() const noexcept
{
    return inside_->identity();
}

result<std::optional<exit_record>> read_exit_record(const fs::path& attempt_folder)
{
    return read_file<exit_record>(attempt_folder / attempt::exit_name,
                                  [](const std::string& text) { return attempt::read_exit_record(text); });
}

result<std::optional<process_identity>> read_identity(const fs::path& attempt_folder)
{
    return read_file<process_identity>(attempt_folder / attempt::identity_name,
                                       [](const std::string& text) { return attempt::read_identity(text); });
}

result<void> stop_attempt(const fs::path& attempt_folder)
{
    auto identity = read_identity(attempt_folder);
    if (!identity) return identity.error();
    if (!*identity) return {};
    descriptor process(open_process((*identity)->pid));
    if (!process || !is_alive(**identity)) return {};
    if (send_signal(process.get(), SIGTERM) || errno == ESRCH) return {};
    return system_fault(errno, "could not stop the supervisor").with("attempt", attempt_folder.string());
}

} // namespace graftline
