#include "graftline/cli/commands/commands.hpp"
#include "graftline/cli/session/state_watch.hpp"
#include "graftline/cli/terminal/failure.hpp"
#include "graftline/cli/terminal/shown_text.hpp"
#include "graftline/effects/operations/event_feed.hpp"
#include "graftline/effects/operations/resume_run.hpp"
#include "graftline/runtime/base/json_text.hpp"

#include <boost/asio/this_coro.hpp>

namespace graftline::cli {
namespace {

std::string line_of(const effects::event& e, const terminal& on)
{
    std::string text = on.in(tint::faint, e.time) + "  ";
    if (!e.run.empty()) text += e.run + "  ";
    if (e.what == "task")
        text += "task " + e.task + " is " + e.state;
    else if (e.what == "run")
        text += "run is " + e.state;
    else
        text += e.path + " " + e.kind + (e.task.empty() ? "" : " of " + e.task) + " " +
                (e.outcome.empty() ? e.what : e.outcome);
    if (e.attempt && *e.attempt > 1) text += ", attempt " + std::to_string(*e.attempt);
    if (!e.reason.empty()) text += ": " + harmless_line(e.reason);
    return text + "\n";
}

/// Prints what there is; true when the run that was asked for has ended. Records that do not read back are
/// told of on standard error: `status` is theirs then.
awaitable<bool> print_all(session& s, effects::event_feed& feed, bool json, int& status)
{
    bool ended = false;
    for (;;) {
        const auto events = co_await feed.next();
        for (const auto& why : feed.take_passed_over()) {
            s.err().write(message_of(why));
            status = exit_status_of(why);
        }
        if (events.empty() || s.out().error() != 0) co_return ended;
        std::string text;
        for (const auto& e : events) {
            text += json ? public_text(effects::to_public_json(e)) + "\n" : line_of(e, s.out());
            if (e.what == "run") ended = e.state == "done";
        }
        if (json)
            s.out().write_as_it_is(text);
        else
            s.print(text);
    }
}

} // namespace

awaitable<int> carry_out(session& s, events_arguments asked)
{
    auto in = co_await s.open_to_read();
    std::optional<effects::run_record> only;
    if (!asked.run.empty()) only = (co_await effects::run_named(in, asked.run)).value();
    effects::event_feed feed(in, only);
    // Watched before the first look, so that nothing falls between.
    state_watch changes(co_await asio::this_coro::executor,
                        in->has_state() ? in->state_folder() : in->repository().common_dir());
    int status = exit_status::done;
    bool ended = co_await print_all(s, feed, asked.json, status);
    while (asked.follow && !(ended && only) && s.out().is_read()) {
        co_await changes.change(std::chrono::seconds(1));
        ended = co_await print_all(s, feed, asked.json, status);
    }
    co_return status;
}

} // namespace graftline::cli
