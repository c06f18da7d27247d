#include "graftline/cli/commands/commands.hpp"
#include "graftline/cli/render/status_view.hpp"
#include "graftline/cli/session/state_watch.hpp"
#include "graftline/cli/terminal/failure.hpp"
#include "graftline/cli/terminal/live_lines.hpp"
#include "graftline/cli/terminal/shown_text.hpp"
#include "graftline/runtime/base/json_text.hpp"

#include <boost/asio/this_coro.hpp>

namespace graftline::cli {
namespace {

/// What is to be printed: all, or one task.
awaitable<std::string> text_of(session& s, std::shared_ptr<effects::project> in,
                               const status_arguments& asked, cpu_meter& cpu)
{
    auto view = co_await status_view::read(in, cpu);
    if (asked.task.empty()) {
        if (asked.json) co_return public_text(as_json(view)) + "\n";
        co_return as_text(view, s.out(), s.out().is_terminal() ? s.out().columns() : 160, asked.all);
    }
    const auto t = co_await s.find(*in, asked.task);
    if (!asked.json) co_return details_of(t, view, s.out());
    view.tasks = {t};
    std::erase_if(view.overlaps, [&](const auto& one) { return one.a != t.id && one.b != t.id; });
    std::erase_if(view.runs, [&](const auto& r) { return r.id != t.run; });
    co_return public_text(as_json(view)) + "\n";
}

/// Lines as they fit on the screen, the last ones where there are too many.
std::vector<std::string> screenful(const std::string& text, std::size_t rows)
{
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    if (rows > 2 && lines.size() > rows - 1) {
        const auto left_out = lines.size() - (rows - 3);
        lines.erase(lines.begin() + 1, lines.begin() + 1 + static_cast<std::ptrdiff_t>(left_out));
        lines.insert(lines.begin() + 1, "… " + std::to_string(left_out) + " more above");
    }
    return lines;
}

/// A document is escaped by its own rules.
void print(session& s, const std::string& text, bool is_json)
{
    if (is_json)
        s.out().write_as_it_is(text);
    else
        s.print(text);
}

awaitable<void> watch(session& s, std::shared_ptr<effects::project> in, const status_arguments& asked,
                      cpu_meter& cpu)
{
    live_lines block(s.out(), live_lines::at_end::keep);
    std::string before;
    state_watch changes(co_await asio::this_coro::executor,
                        in->has_state() ? in->state_folder() : in->repository().common_dir());
    while (s.out().is_read()) {
        auto text = co_await text_of(s, in, asked, cpu);
        if (s.out().can_redraw() && !asked.json)
            block.draw(screenful(text, s.out().rows()));
        else if (text != before)
            print(s, text, asked.json);
        before = std::move(text);
        co_await changes.change(std::chrono::seconds(1));
    }
}

} // namespace

awaitable<int> carry_out(session& s, status_arguments asked)
{
    auto in = co_await s.open_to_read();
    cpu_meter cpu;
    if (asked.watch)
        co_await watch(s, in, asked, cpu);
    else
        print(s, co_await text_of(s, in, asked, cpu), asked.json);
    co_return exit_status::done;
}

} // namespace graftline::cli
