#include "graftline/runtime/supervisor/supervision.hpp"

#include "graftline/runtime/process/process_tree.hpp"
#include "graftline/runtime/supervisor/attempt_files.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

namespace graftline {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds grace_for_leftovers = 2s;
constexpr milliseconds grace_over_limit = 1s; // whoever floods the disk gets no ten seconds more
constexpr milliseconds kill_again_after = 20ms;
constexpr milliseconds patience_after_kill = 10s;

descriptor signals_as_file()
{
    sigset_t wanted;
    sigemptyset(&wanted);
    for (int signo : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD})
        sigaddset(&wanted, signo);
    return descriptor(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
}

std::string seconds(milliseconds span)
{
    char text[32];
    std::snprintf(text, sizeof text, "%g s", static_cast<double>(span.count()) / 1000);
    return text;
}

/// Where the agent writes, as far as it is known.
std::vector<std::filesystem::path> folders_of(const attempt_spec& spec)
{
    std::vector<std::filesystem::path> folders{spec.cwd, spec.folder};
    if (const char* temporary = std::getenv("TMPDIR"); temporary && *temporary)
        folders.emplace_back(temporary); // our environment is the agent's
    return folders;
}

} // namespace

supervision::supervision(const attempt_spec& spec, const claimed_attempt& claimed, agent_files files)
    : spec_(spec), claimed_(claimed), files_(std::move(files)),
      logs_({spec.folder / attempt::out_name, spec.folder / attempt::err_name}), disks_(folders_of(spec)),
      signals_(signals_as_file())
{
}

exit_record supervision::run()
{
    if (!signals_) return never_started(system_fault(errno, "could not watch for signals").message());
    if (spec_.timeout) deadline_ = steady_clock::now() + *spec_.timeout;
    auto started = agent_process::start(spec_, files_, claimed_.group(), claimed_.identity().token);
    if (!started)
        return never_started("could not start " + spec_.words.front() + ": " + started.error().message());
    agent_.emplace(std::move(*started));
    for (;;) {
        reap();
        if (tree_gone_ || gave_up_) break;
        do_what_is_due();
        wait_for_news();
    }
    disks_.look();
    return summary();
}

exit_record supervision::never_started(std::string why) const
{
    return {ending::could_not_start, 0, 0, std::move(why), claimed_.identity().started_at,
            real_clock().now(),      {}};
}

// We are the subreaper: no child left means that nothing is left, however deep it was.
void supervision::reap()
{
    for (;;) {
        int raw = 0;
        const pid_t pid = ::waitpid(-1, &raw, WNOHANG);
        if (pid < 0 && errno == EINTR) continue;
        tree_gone_ = pid < 0;
        if (pid <= 0) return;
        if (pid == agent_->pid()) {
            status_ = decode(raw);
            begin_sweep();
        }
    }
}

void supervision::begin_sweep()
{
    deadline_.reset();
    signal_descendants(SIGTERM);
    signal_descendants(SIGCONT); // one that is stopped would not notice
    const auto latest = steady_clock::now() + std::min(spec_.grace, grace_for_leftovers);
    kill_at_ = kill_at_ ? std::min(*kill_at_, latest) : latest;
}

void supervision::stop(ending why, milliseconds grace)
{
    const auto when = steady_clock::now() + grace;
    kill_at_ = kill_at_ ? std::min(*kill_at_, when) : when;
    if (status_ || reason_) return; // it is over, or about to be, for a reason that came first
    reason_ = why;
    deadline_.reset();
    if (grace.count() == 0) return;
    signal_descendants(SIGTERM);
    signal_descendants(SIGCONT);
}

void supervision::do_what_is_due()
{
    const auto now = steady_clock::now();
    if (deadline_ && now >= *deadline_) stop(ending::timed_out, spec_.grace);
    if (logs_.due()) check_logs();
    if (now >= disks_.next()) disks_.look();
    if (kill_at_ && now >= *kill_at_) kill_all();
}

void supervision::check_logs()
{
    const auto size = files_.logged();
    if (size <= spec_.log_limit) return;
    // It goes on after being told to stop: no grace is left for it.
    const bool ruthless = reason_ && size / 2 > spec_.log_limit;
    stop(ending::log_limit, ruthless ? 0ms : std::min(spec_.grace, grace_over_limit));
}

// Again and again, since what is forked while we look is not seen; the control group does it in one stroke.
void supervision::kill_all()
{
    const auto now = steady_clock::now();
    if (!give_up_at_) give_up_at_ = now + patience_after_kill;
    if (claimed_.group()) claimed_.group()->kill();
    signal_descendants(SIGSTOP); // what forks faster than we look stands still first
    signal_descendants(SIGKILL);
    kill_at_ = now + kill_again_after;
    gave_up_ = now >= *give_up_at_;
}

void supervision::wait_for_news()
{
    auto until = std::min(logs_.next(), disks_.next());
    if (deadline_) until = std::min(until, *deadline_);
    if (kill_at_) until = std::min(until, *kill_at_);
    int limit = -1;
    if (until != moment::max()) {
        const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
        limit = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
    }
    pollfd sources[]{{signals_.get(), POLLIN, 0}, {logs_.fd(), POLLIN, 0}};
    if (::poll(sources, 2, limit) <= 0) return;
    if (sources[0].revents) read_signals();
    if (sources[1].revents) logs_.take_event();
}

void supervision::read_signals()
{
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) stop(ending::cancelled, spec_.grace);
        if (info.ssi_signo == SIGQUIT || info.ssi_signo == SIGHUP) stop(ending::cancelled, 0ms);
    }
}

exit_record supervision::summary() const
{
    exit_record record{ending::exited, 0, 0, {}, claimed_.identity().started_at, real_clock().now(), {}};
    if (status_) {
        if (const auto* e = std::get_if<exited>(&*status_)) record.code = e->code;
        if (const auto* s = std::get_if<signaled>(&*status_)) {
            record.signo = s->signo;
            record.how = ending::signaled;
        }
    }
    if (const auto why = status_ ? agent_->failure() : std::nullopt) {
        record.how = ending::could_not_start;
        record.words = *why;
        return record;
    }
    record.full_disk = disks_.full();
    if (reason_) record.how = *reason_;
    record.words = words();
    return record;
}

std::string supervision::words() const
{
    std::string text = status_ ? to_string(*status_) : "did not end when killed";
    if (reason_ == ending::timed_out)
        text = "timed out after " + seconds(spec_.timeout.value_or(0ms)) + " (" + text + ")";
    if (reason_ == ending::cancelled) text = "cancelled (" + text + ")";
    if (reason_ == ending::log_limit) {
        text =
            "printed more than the log limit of " + std::to_string(spec_.log_limit) + " bytes (" + text + ")";
    }
    if (gave_up_) {
        text += "; could not be ended:";
        for (const pid_t pid : descendants())
            text += " " + std::to_string(pid);
    }
    return text;
}

} // namespace graftline
