#include "graftline/runtime/process/child.hpp"

#include "graftline/runtime/process/process_tree.hpp"
#include "graftline/runtime/process/running_children.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

extern char** environ;

namespace graftline {
namespace {

// P_PIDFD is missing from older <sys/wait.h>.
constexpr auto by_pidfd = static_cast<idtype_t>(3);

enum class found { running, ended, taken };

// Looks at the child and leaves it unreaped.
found look(int pidfd) noexcept
{
    siginfo_t info{};
    if (::waitid(by_pidfd, static_cast<id_t>(pidfd), &info, WEXITED | WNOWAIT | WNOHANG) != 0)
        return found::taken;
    return info.si_pid == 0 ? found::running : found::ended;
}

std::vector<char*> pointers(const std::vector<std::string>& words)
{
    std::vector<char*> all;
    all.reserve(words.size() + 1);
    for (const auto& word : words)
        all.push_back(const_cast<char*>(word.c_str()));
    all.push_back(nullptr);
    return all;
}

// Sanitizers know nothing of a second process in one memory.
#define GRAFTLINE_IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

// What the new process does before it becomes the program. It shares our memory until then: nothing but
// system calls, and all they need was prepared. Not posix_spawn: that cannot let go of a terminal without
// making a session of its own, which is the mark of a service that is to stay (left_commands.hpp).
struct starting {
    const launch& how;
    std::vector<char*> words;
    std::vector<char*> environment;
    std::vector<char*> files; ///< the program, as it may be found
    int stands_for[3];        ///< opened by us, or borrowed
    int failure = 0;          ///< errno

    [[noreturn]] GRAFTLINE_IN_CHILD void fail() noexcept
    {
        failure = errno;
        ::_exit(127);
    }

    /// The signals that we handle, or ignore, are the program's own.
    GRAFTLINE_IN_CHILD static void reset_signals() noexcept
    {
        struct sigaction standard{};
        standard.sa_handler = SIG_DFL;
        for (int signo = 1; signo < NSIG; ++signo)
            ::sigaction(signo, &standard, nullptr); // those of the C library refuse, and are not ours
        sigset_t none;
        sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
    }

    /// /dev/tty leads nowhere then: a program that would ask there fails at once, instead of being stopped
    /// for good.
    GRAFTLINE_IN_CHILD static void leave_terminal() noexcept
    {
        const int terminal = ::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (terminal >= 0) ::ioctl(terminal, TIOCNOTTY);
    }

    [[noreturn]] GRAFTLINE_IN_CHILD void become() noexcept
    {
        if (how.own_session ? ::setsid() < 0 : ::setpgid(0, 0) != 0) fail();
        if (!how.own_session) leave_terminal();
        for (int number = 0; number < 3; ++number) {
            const int from = stands_for[number];
            if (from == number ? ::fcntl(number, F_SETFD, 0) != 0 : ::dup2(from, number) < 0) fail();
        }
        if (!how.folder.empty() && ::chdir(how.folder.c_str()) != 0) fail();
        ::closefrom(3);
        reset_signals();
        int why = ENOENT;
        for (const char* file : files) {
            ::execve(file, words.data(), environment.data());
            if (errno != ENOENT && errno != ENOTDIR) why = errno;
            if (why != ENOENT && why != EACCES) break;
        }
        errno = why;
        fail();
    }
};

/// As execvp looks it up, in our PATH.
std::vector<std::string> places_of(const std::string& program)
{
    if (program.find('/') != program.npos) return {program};
    const char* path = std::getenv("PATH");
    std::string_view rest = path ? path : "/usr/local/bin:/usr/bin:/bin";
    std::vector<std::string> places;
    for (bool more = true; more;) {
        const auto end = rest.find(':');
        const std::string folder(rest.substr(0, end));
        places.push_back(folder.empty() ? program : folder + "/" + program);
        more = end != rest.npos;
        if (more) rest.remove_prefix(end + 1);
    }
    return places;
}

GRAFTLINE_IN_CHILD int become_program(void* process)
{
    static_cast<starting*>(process)->become();
}

// Returns when the new process has become the program, or has failed to; -1 with errno when there is none.
pid_t begin(starting& process)
{
    constexpr std::size_t enough = std::size_t{64} << 10;
    const auto stack = std::make_unique_for_overwrite<std::byte[]>(enough);
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before); // our handlers must not run in the other process
    const pid_t pid =
        ::clone(become_program, stack.get() + enough, CLONE_VM | CLONE_VFORK | SIGCHLD, &process);
    const int why = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = why;
    return pid;
}

// One error number for the program, its interpreter and the folder.
std::string why_not_started(const launch& how, int error_number)
{
    std::error_code ignored;
    if (!how.folder.empty() && !std::filesystem::is_directory(how.folder, ignored)) {
        return "its working directory " + how.folder.string() + " is not a directory";
    }
    const auto& program = how.words.front();
    if (error_number == ENOENT && program.find('/') != std::string::npos &&
        std::filesystem::exists(how.folder / program, ignored)) {
        return "the file is there, but not the interpreter that it names";
    }
    if (error_number == ENOENT && program.find('/') == std::string::npos)
        return "there is no such program in PATH";
    return std::strerror(error_number);
}

} // namespace

std::vector<std::string> current_environment()
{
    std::vector<std::string> all;
    for (char** entry = environ; entry && *entry; ++entry)
        all.emplace_back(*entry);
    return all;
}

result<pid_t> spawn(const launch& how)
{
    if (how.words.empty() || how.words.front().empty()) {
        return fault(errc::could_not_start, "could not start: the command is empty");
    }
    const descriptor nothing = above_standard(descriptor(::open("/dev/null", O_RDWR | O_CLOEXEC)));
    if (!nothing) return system_fault(errno, "could not open /dev/null");
    const auto or_nothing = [&](int fd) { return fd >= 0 ? fd : nothing.get(); };
    const auto places = places_of(how.words.front());
    starting process{how,
                     pointers(how.words),
                     pointers(how.environment),
                     pointers(places),
                     {or_nothing(how.in), or_nothing(how.out), or_nothing(how.err)}};
    process.files.pop_back(); // the null at the end
    const pid_t pid = begin(process);
    if (pid > 0 && process.failure == 0) return pid;
    const int why = pid > 0 ? process.failure : errno;
    if (pid > 0) ::waitpid(pid, nullptr, 0);
    return fault(errc::could_not_start,
                 "could not start " + how.words.front() + ": " + why_not_started(how, why));
}

child::child(const asio::any_io_executor& executor, pid_t pid, int pidfd)
    : pidfd_(executor, pidfd), pid_(pid), among_(running_children::of(executor))
{
    among_->add(*this);
}

result<std::unique_ptr<child>> child::start(const asio::any_io_executor& executor, const launch& how)
{
    if (!running_children::of(executor)->may_start())
        return fault(errc::interrupted, "nothing is started any more: graftline ends")
            .with("program", how.words.empty() ? std::string() : how.words.front());
    auto pid = spawn(how);
    if (!pid) return pid.error();
    const int pidfd = open_process(*pid);
    if (pidfd < 0) {
        const int why = errno;
        if (why != ESRCH) { // ESRCH: the host reaps every child; then the pid may be anybody's
            ::kill(-*pid, SIGKILL);
            ::waitpid(*pid, nullptr, 0);
        }
        return system_fault(why, "could not watch " + how.words.front());
    }
    return std::unique_ptr<child>(new child(executor, *pid, pidfd));
}

child::~child()
{
    among_->remove(*this);
    signal(SIGKILL);
    if (gone_) return;
    // Asio made the pidfd non-blocking, and waitid(2) with it: wait by poll(2) first.
    pollfd one{pidfd_.native_handle(), POLLIN, 0};
    while (::poll(&one, 1, -1) < 0 && errno == EINTR) {
    }
    ::waitid(by_pidfd, static_cast<id_t>(pidfd_.native_handle()), nullptr, WEXITED);
}

awaitable<void> child::ended()
{
    while (!gone_ && look(pidfd_.native_handle()) == found::running) {
        co_await pidfd_.async_wait(asio::posix::stream_descriptor::wait_read, use_awaitable);
    }
}

awaitable<exit_status> child::wait()
{
    co_await ended();
    co_return reap();
}

awaitable<exit_status> child::stop(std::chrono::milliseconds grace)
{
    signal_tree(SIGTERM);
    auto over = std::make_shared<bool>(false); // the timer's handler may already be queued when the wait ends
    const auto leave = std::shared_ptr<void>(nullptr, [over](void*) { *over = true; }); // thrown out of, too
    asio::steady_timer patience(co_await asio::this_coro::executor, grace);
    patience.async_wait([this, over](error_code failed) {
        if (!failed && !*over) signal_tree(SIGKILL);
    });
    co_await ended();
    co_return reap();
}

void child::signal(int signo) noexcept
{
    if (gone_) return;
    if (look(pidfd_.native_handle()) == found::taken) {
        gone_ = true;
    } else {
        ::kill(-pid_, signo);
    }
}

void child::signal_tree(int signo) noexcept
{
    if (gone_) return;
    try {
        hold_strays();
    } catch (const std::exception&) { // out of memory: the group is what matters
    }
    signal(signo);
    for (const auto& [pid, stray] : strays_)
        send_signal(stray.get(), signo);
}

void child::hold_strays()
{
    for (const pid_t pid : descendants_of(pid_)) {
        if (strays_.contains(pid)) continue;
        const auto facts = facts_of(pid);
        if (!facts || facts->group == pid_) continue;
        if (auto stray = open_descendant(pid, pid_)) strays_.emplace(pid, std::move(stray));
    }
}

bool child::ended_within(std::chrono::milliseconds limit) noexcept
{
    if (gone_) return true;
    pollfd one{pidfd_.native_handle(), POLLIN, 0};
    return ::poll(&one, 1, static_cast<int>(limit.count())) > 0;
}

exit_status child::reap()
{
    if (status_) return *status_;
    among_->remove(*this);
    signal(SIGKILL); // what the leader left in its group; the zombie leader still holds the group's number
    for (const auto& [pid, stray] : strays_)
        send_signal(stray.get(), SIGKILL);
    siginfo_t info{};
    if (!gone_ && ::waitid(by_pidfd, static_cast<id_t>(pidfd_.native_handle()), &info, WEXITED) == 0) {
        const bool by_signal = info.si_code != CLD_EXITED;
        status_ = by_signal ? exit_status(signaled{info.si_status, info.si_code == CLD_DUMPED})
                            : exit_status(exited{info.si_status});
    }
    gone_ = true;
    if (!status_) {
        throw fault_error(
            fault(errc::internal, "the exit status of a child was taken by the host program")
                .advise("The host must neither ignore SIGCHLD nor wait for children that are not its own."));
    }
    return *status_;
}

} // namespace graftline
