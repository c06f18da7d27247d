#include "graftline/cli/commands/commands.hpp"
#include "graftline/cli/render/progress.hpp"
#include "graftline/cli/terminal/failure.hpp"
#include "graftline/cli/terminal/shown_text.hpp"
#include "graftline/effects/operations/operations.hpp"

#include <boost/asio/this_coro.hpp>

namespace graftline::cli {

awaitable<int> carry_out(session& s, clean_arguments asked)
{
    auto in = asked.dry_run ? co_await s.open_to_read() : co_await s.open_to_change();
    if (!in->has_state()) {
        s.print("Nothing to clean: graftline has not been used in this repository.\n");
        co_return exit_status::done;
    }
    progress shown(co_await asio::this_coro::executor, s.err());
    noted_observer watcher(shown, s.log());
    const auto found = (co_await effects::clean(in, asked.dry_run, asked.force, watcher)).value();
    shown.finish();
    std::string text;
    std::size_t removed = 0;
    for (const auto& one : found) {
        removed += one.removed ? 1 : 0;
        const char* verb = !one.removed ? "" : asked.dry_run ? "would remove " : "removed ";
        text += verb + harmless_line(one.what) +
                s.out().in(tint::faint, " (" + harmless_line(one.why) + ")") + "\n";
    }
    if (removed == 0) text += asked.dry_run ? "Nothing would be removed.\n" : "Nothing was removed.\n";
    s.print(text);
    co_return exit_status::done;
}

} // namespace graftline::cli
