#include "graftline/runtime/supervisor/agent_process.hpp"

#include "graftline/runtime/files/open_files.hpp"
#include "graftline/runtime/supervisor/attempt_files.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace graftline {
namespace {

enum class step { prepare, folder, program };

// What the child says when it cannot go on. Closed without a word by the exec that succeeds.
struct report {
    step at;
    int error_number;
};

[[noreturn]] void give_up(int report_to, step at)
{
    const report said{at, errno};
    write_all(report_to, {reinterpret_cast<const char*>(&said), sizeof said});
    ::_exit(127);
}

// As a program expects to find them, whatever the supervisor did with them.
void reset_signals()
{
    struct sigaction usual{};
    usual.sa_handler = SIG_DFL;
    for (int signo = 1; signo < NSIG; ++signo)
        ::sigaction(signo, &usual, nullptr);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// A cancel that arrives on the way waits until the signals are unblocked, right before the exec.
[[noreturn]] void become_agent(const attempt_spec& spec, const agent_files& files, const std::string& token,
                               pid_t supervisor, int report_to)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != supervisor) ::_exit(127); // it died before the line above
    ::setpgid(0, 0);
    ::setenv(attempt_token_variable, token.c_str(), 1);
    if (::dup2(files.in.get(), 0) < 0 || ::dup2(files.out.get(), 1) < 0 || ::dup2(files.err.get(), 2) < 0) {
        give_up(report_to, step::prepare);
    }
    if (::syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) != 0) give_up(report_to, step::prepare);
    if (spec.open_files) limit_open_files(*spec.open_files);
    if (::chdir(spec.cwd.c_str()) != 0) give_up(report_to, step::folder);
    std::vector<char*> words;
    for (const auto& word : spec.words)
        words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    reset_signals();
    ::execvp(words.front(), words.data());
    give_up(report_to, step::program);
}

result<descriptor> open_file(const std::filesystem::path& file, int flags)
{
    auto fd = above_standard(descriptor(::open(file.c_str(), flags | O_CLOEXEC, 0600)));
    if (!fd) return system_fault(errno, "could not open " + file.string());
    return fd;
}

std::uint64_t size_of(const descriptor& file) noexcept
{
    struct stat facts{};
    return ::fstat(file.get(), &facts) == 0 ? static_cast<std::uint64_t>(facts.st_size) : 0;
}

} // namespace

result<agent_files> agent_files::open(const attempt_spec& spec)
{
    auto in = open_file(spec.standard_input.value_or("/dev/null"), O_RDONLY);
    if (!in) return in.error();
    constexpr int append = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW;
    auto out = open_file(spec.folder / attempt::out_name, append);
    if (!out) return out.error();
    auto err = open_file(spec.folder / attempt::err_name, append);
    if (!err) return err.error();
    return agent_files{std::move(*in), std::move(*out), std::move(*err)};
}

std::uint64_t agent_files::logged() const noexcept
{
    return size_of(out) + size_of(err);
}

result<agent_process> agent_process::start(const attempt_spec& spec, const agent_files& files,
                                           const control_group* group, const std::string& token)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return system_fault(errno, "could not make a pipe");
    descriptor ours(ends[0]);
    const descriptor theirs = above_standard(descriptor(ends[1]));
    const pid_t supervisor = ::getpid();
    const pid_t pid = group ? group->fork() : ::fork();
    if (pid < 0) return system_fault(errno, "could not fork");
    if (pid == 0) become_agent(spec, files, token, supervisor, theirs.get());
    return agent_process(pid, std::move(ours), spec.words.front(), spec.cwd.string());
}

std::optional<std::string> agent_process::failure() const
{
    report said{};
    ssize_t got;
    do {
        got = ::read(report_.get(), &said, sizeof said);
    } while (got < 0 && errno == EINTR);
    if (got != sizeof said) return std::nullopt;
    const std::string why = std::strerror(said.error_number);
    if (said.at == step::folder)
        return "could not start " + program_ + ": its working directory " + cwd_ + ": " + why;
    return "could not start " + program_ + ": " + why;
}

} // namespace graftline
