#include "graftline/runtime/supervisor/supervisor.hpp"

#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/supervisor/attempt_files.hpp"
#include "graftline/runtime/supervisor/claimed_attempt.hpp"
#include "graftline/runtime/supervisor/supervision.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

namespace graftline {
namespace {

constexpr std::size_t longest_spec = std::size_t{64} << 20;

// From now on signals only wait to be read, and nothing of who started us keeps us or is kept by us.
void stand_apart()
{
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGCHLD, SIG_DFL);
    ::setsid(); // fails where our starter did it already
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (::chdir("/") != 0) return; // then a folder is kept from being unmounted, no more than that
}

void answer(const result<process_identity>& taken_on)
{
    write_all(STDOUT_FILENO, attempt::to_answer(taken_on) + "\n");
}

// The answer is complete when its reader sees the end; and a terminal or pipe of our starter's must not stay
// open.
void let_go_of_starter()
{
    const descriptor nothing = above_standard(descriptor(::open("/dev/null", O_RDWR | O_CLOEXEC)));
    for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        ::dup2(nothing.get(), fd);
}

int refuse(const fault& why)
{
    answer(why);
    return 1;
}

} // namespace

int supervise(int, char**)
{
    stand_apart();
    std::string text;
    if (!read_all(STDIN_FILENO, text, longest_spec))
        return refuse(system_fault(errno, "could not read what to run"));
    auto spec = attempt::read_spec(text);
    if (!spec) return refuse(spec.error());
    auto claimed = claimed_attempt::take(*spec);
    if (!claimed) return refuse(claimed.error());
    auto files = agent_files::open(*spec);
    if (!files) return refuse(files.error());
    if (auto written = claimed->write_identity(); !written) return refuse(written.error());
    answer(claimed->identity());
    let_go_of_starter();
    supervision watch(*spec, *claimed, std::move(*files));
    claimed->write_end(watch.run());
    return 0;
}

} // namespace graftline
