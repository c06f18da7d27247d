#include "graftline/cli/program.hpp"

#include "graftline/cli/commands/commands.hpp"
#include "graftline/cli/terminal/failure.hpp"
#include "graftline/cli/terminal/full_disk.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

namespace graftline::cli {
namespace {

awaitable<int> dispatch(session& s, asked what)
{
    if (auto* a = std::get_if<run_arguments>(&what)) co_return co_await carry_out(s, std::move(*a));
    if (auto* a = std::get_if<create_arguments>(&what)) co_return co_await carry_out(s, std::move(*a));
    if (auto* a = std::get_if<status_arguments>(&what)) co_return co_await carry_out(s, std::move(*a));
    if (auto* a = std::get_if<logs_arguments>(&what)) co_return co_await carry_out(s, std::move(*a));
    if (auto* a = std::get_if<diff_arguments>(&what)) co_return co_await carry_out(s, std::move(*a));
    if (auto* a = std::get_if<check_arguments>(&what)) co_return co_await carry_out(s, std::move(*a));
    if (auto* a = std::get_if<commit_arguments>(&what)) co_return co_await carry_out(s, std::move(*a));
    if (auto* a = std::get_if<land_arguments>(&what)) co_return co_await carry_out(s, std::move(*a));
    if (auto* a = std::get_if<undo_arguments>(&what)) co_return co_await carry_out(s, std::move(*a));
    if (auto* a = std::get_if<retry_arguments>(&what)) co_return co_await carry_out(s, std::move(*a));
    if (auto* a = std::get_if<resume_arguments>(&what)) co_return co_await carry_out(s, std::move(*a));
    if (auto* a = std::get_if<events_arguments>(&what)) co_return co_await carry_out(s, std::move(*a));
    if (auto* a = std::get_if<cancel_arguments>(&what)) co_return co_await carry_out(s, std::move(*a));
    if (auto* a = std::get_if<discard_arguments>(&what)) co_return co_await carry_out(s, std::move(*a));
    if (auto* a = std::get_if<clean_arguments>(&what)) co_return co_await carry_out(s, std::move(*a));
    if (auto* a = std::get_if<shell_arguments>(&what)) co_return co_await carry_out(s, std::move(*a));
    if (auto* a = std::get_if<doctor_arguments>(&what)) co_return co_await carry_out(s, std::move(*a));
    if (auto* a = std::get_if<merge_tree_arguments>(&what)) co_return co_await carry_out(s, std::move(*a));
    co_return co_await carry_out(s, std::move(std::get<completion_arguments>(what)));
}

/// The exit status of a command that threw, after saying why.
int explain(session& s, std::exception_ptr thrown)
{
    try {
        std::rethrow_exception(thrown);
    } catch (const fault_error& e) {
        s.log().say(e.what());
        s.err().write(message_of(e.why()));
        return s.signals().happened() ? exit_status::interrupted : exit_status_of(e.why());
    } catch (const std::exception& e) {
        if (s.signals().happened()) return exit_status::interrupted;
        s.err().write(std::string("graftline: internal error: ") + e.what() + "\n");
        return exit_status::not_all;
    }
}

/// What could not be written is not done, however well the rest went.
int check_output(session& s, int status)
{
    const int error = s.out().error();
    if (error == 0) return status;
    if (status == exit_status::interrupted) return status; // by a terminal that was closed, perhaps
    if (error == EPIPE) { // the reader has seen enough: end as every other program in a pipe does
        std::signal(SIGPIPE, SIG_DFL);
        ::raise(SIGPIPE);
    }
    s.err().write(message_of(system_fault(error, "standard output could not be written")));
    return exit_status::unusable;
}

int carry_out(invocation asked_for)
{
    std::error_code failed;
    std::filesystem::current_path(asked_for.common.folder, failed);
    if (failed) {
        const auto why =
            fault(errc::invalid, "there is no folder '" + asked_for.common.folder + "' to work in");
        terminal(STDERR_FILENO, color_choice::never).write(message_of(why));
        return exit_status_of(why);
    }
    asio::io_context loop(1);
    session s(loop, asked_for.common);
    asio::cancellation_signal stop;
    s.signals().on_first = [&stop] { stop.emit(asio::cancellation_type::terminal); };

    int status = exit_status::not_all;
    asio::co_spawn(loop, dispatch(s, std::move(asked_for.what)),
                   asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr thrown, int given) {
                       const bool stopped = s.signals().happened();
                       status = thrown ? explain(s, thrown) : stopped ? exit_status::interrupted : given;
                       s.signals().end();
                   }));
    loop.run();
    return check_output(s, status);
}

} // namespace

int run_program(std::vector<std::string> words, std::string_view version)
{
    std::signal(SIGPIPE, SIG_IGN);
    explain_a_full_disk_under_shared_memory();
    auto parsed = parse(std::move(words), version);
    if (auto* said = std::get_if<answer>(&parsed)) {
        terminal to(said->exit_status == 0 ? STDOUT_FILENO : STDERR_FILENO, color_choice::never);
        return to.write(said->text) ? said->exit_status : exit_status::unusable;
    }
    return carry_out(std::move(std::get<invocation>(parsed)));
}

} // namespace graftline::cli
