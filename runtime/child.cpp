#include "graftline/runtime/child.hpp"

#include "graftline/runtime/process_tree.hpp"
#include "graftline/runtime/running_children.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

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

struct spawn_actions {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    spawn_actions()
    {
        posix_spawn_file_actions_init(&files);
        posix_spawnattr_init(&attributes);
    }
    ~spawn_actions()
    {
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
    }
    spawn_actions(const spawn_actions&) = delete;
    spawn_actions& operator=(const spawn_actions&) = delete;

    void standard(int number, int fd)
    {
        if (fd >= 0) {
            posix_spawn_file_actions_adddup2(&files, fd, number);
        } else {
            posix_spawn_file_actions_addopen(&files, number, "/dev/null", number == 0 ? O_RDONLY : O_WRONLY,
                                             0);
        }
    }

    void signals_and_group(bool own_session)
    {
        sigset_t all, none;
        sigfillset(&all);
        sigemptyset(&none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setpgroup(&attributes, 0);
        const int group = own_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
        posix_spawnattr_setflags(&attributes,
                                 static_cast<short>(group | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
    }
};

// posix_spawn has one error number for the program, its interpreter and the folder.
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
    spawn_actions actions;
    actions.standard(0, how.in);
    actions.standard(1, how.out);
    actions.standard(2, how.err);
    if (!how.folder.empty()) posix_spawn_file_actions_addchdir_np(&actions.files, how.folder.c_str());
    posix_spawn_file_actions_addclosefrom_np(&actions.files, 3);
    actions.signals_and_group(how.own_session);

    const auto words = pointers(how.words);
    const auto environment = pointers(how.environment);
    pid_t pid = -1;
    const int rc = ::posix_spawnp(&pid, words.front(), &actions.files, &actions.attributes, words.data(),
                                  environment.data());
    if (rc == 0) return pid;
    return fault(errc::could_not_start,
                 "could not start " + how.words.front() + ": " + why_not_started(how, rc));
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
