#include "graftline/cli/render/progress.hpp"

#include "graftline/cli/render/task_words.hpp"
#include "graftline/cli/terminal/shown_text.hpp"

#include <algorithm>
#include <array>

namespace graftline::cli {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using enum effects::task_state;

double seconds_since(clock::time_point then)
{
    return std::chrono::duration<double>(clock::now() - then).count();
}

/// What is said of a task beside its state.
std::string remark(const effects::task& t)
{
    if (t.state == merged)
        return (t.landed.empty() ? "" : target_of(t) + " is " + t.landed.substr(0, 10)) +
               (t.reason.empty() ? "" : (t.landed.empty() ? "" : ", ") + harmless_line(t.reason));
    if (t.state == running && t.reason.empty()) return shown_title(t, 200);
    return harmless_line(t.reason.substr(0, t.reason.find('\n')));
}

} // namespace

progress::progress(asio::any_io_executor executor, terminal& on)
    : executor_(std::move(executor)), on_(on), block_(on), began_(clock::now())
{
}

progress::~progress()
{
    finish();
}

void progress::expect(const std::vector<effects::task>& tasks)
{
    for (const auto& t : tasks)
        row_of(t.id).task = t;
}

progress::row& progress::row_of(const std::string& id)
{
    auto& known = by_id_[id];
    if (!known) {
        rows_.push_back(std::make_unique<row>());
        known = rows_.back().get();
        known->task.id = id;
        known->since = clock::now();
    }
    return *known;
}

void progress::changed(const effects::task& t)
{
    auto& r = row_of(t.id);
    const bool news = r.task.state != t.state || r.task.reason != t.reason;
    if (r.task.state != running && t.state == running) r.since = clock::now();
    if (r.task.state != t.state) r.busy_with.clear();
    r.task = t;
    r.shown = t.state == running || (t.state == completed && !is_at_rest(t));
    if (news) tell(r);
    wake();
}

void progress::said(const std::string& task, std::string_view line)
{
    if (!on_.can_redraw()) return; // the log has it: plain lines are for events
    auto& r = row_of(task);
    if (auto shown = harmless_line(line.substr(0, 1000)); !shown.empty()) r.last_line = std::move(shown);
    wake();
}

void progress::doing(const std::string& task, std::string_view what)
{
    auto& r = row_of(task);
    r.busy_with = harmless_line(what);
    r.last_line.clear();
    if (!on_.can_redraw() && r.task.state != pending) print(task + ": " + r.busy_with);
    wake();
}

void progress::note(std::string_view sentence)
{
    text_filter filter;
    print(filter.feed(sentence) + filter.end());
    wake();
}

void progress::tell(const row& r)
{
    // On a terminal the live line says it, and the summary will; only bad news stands there at once.
    const bool bad = r.task.state == failed || r.task.state == conflicted;
    if (on_.can_redraw() && !bad) return;
    const auto said = remark(r.task);
    print(r.task.id + ": " + on_.in(tint_of(r.task.state), effects::to_string(r.task.state)) +
          (said.empty() ? "" : " (" + said + ")"));
}

void progress::print(const std::string& line)
{
    if (finished_) return;
    if (on_.can_redraw())
        block_.print_above(line + "\n");
    else
        on_.write(line + "\n");
}

void progress::wake()
{
    dirty_ = true;
    if (ticking_ || finished_ || !on_.can_redraw()) return;
    ticking_ = true;
    redraw();
    schedule();
}

void progress::schedule()
{
    timer_ = std::make_shared<asio::steady_timer>(executor_, 100ms);
    timer_->async_wait([this, alive = std::weak_ptr(timer_)](error_code failed) {
        if (failed || alive.expired()) return;
        const bool running_now = std::ranges::any_of(rows_, [](const auto& r) { return r->shown; });
        if (!running_now && !dirty_) { // nothing moves: the next event wakes us
            ticking_ = false;
            return;
        }
        redraw();
        schedule();
    });
}

void progress::redraw()
{
    if (!on_.is_ready()) return; // stopped by Ctrl-S: agents need not wait for it
    dirty_ = false;
    block_.draw(lines());
}

void progress::finish()
{
    if (finished_) return;
    block_.erase();
    finished_ = true;
    timer_.reset();
}

std::vector<std::string> progress::lines() const
{
    const auto columns = on_.columns();
    const auto rows = std::max<std::size_t>(on_.rows(), 5);
    std::vector<std::string> shown;
    std::size_t left_out = 0;
    for (const auto& r : rows_) {
        if (!r->shown) continue;
        if (shown.size() + 4 < rows) // for the rest, the counts, the cursor and a line above
            shown.push_back(line_of(*r, columns));
        else
            ++left_out;
    }
    if (left_out) shown.push_back(on_.in(tint::faint, "… and " + std::to_string(left_out) + " more running"));
    shown.push_back(on_.in(tint::faint, fit(counts(), columns)));
    return shown;
}

std::string progress::line_of(const row& r, std::size_t columns) const
{
    const auto state = pad(effects::to_string(r.task.state), 9);
    const auto head = " " + pad(duration_text(seconds_since(r.since)), 7) + r.task.id + "  ";
    const auto used = state.size() + columns_of(head);
    if (used + 10 > columns) return fit(state + head, columns);

    const auto room = columns - used;
    const auto& tail = r.last_line.empty() ? r.busy_with : r.last_line;
    const auto title = shown_title(r.task, tail.empty() ? room : std::max<std::size_t>(8, room * 2 / 5));
    auto line = on_.in(tint_of(r.task.state), state) + head + title;
    const auto left = room - columns_of(title);
    if (!tail.empty() && left > 4) line += "  " + on_.in(tint::faint, fit(tail, left - 2));
    return line;
}

std::string progress::counts() const
{
    std::map<effects::task_state, int> count;
    for (const auto& r : rows_)
        ++count[r->task.state];
    std::string text;
    for (auto state :
         std::array{running, merged, completed, failed, conflicted, cancelled, discarded, pending}) {
        if (count[state] == 0) continue;
        text += (text.empty() ? "" : " · ") + std::to_string(count[state]) + " " +
                (state == pending ? "waiting" : std::string(effects::to_string(state)));
    }
    return text + (text.empty() ? "" : " · ") + duration_text(seconds_since(began_));
}

} // namespace graftline::cli
