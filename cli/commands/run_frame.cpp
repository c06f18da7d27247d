#include "graftline/cli/commands/run_frame.hpp"

#include "graftline/cli/render/progress.hpp"
#include "graftline/cli/render/summary.hpp"
#include "graftline/cli/render/task_words.hpp"
#include "graftline/cli/session/kill_now.hpp"
#include "graftline/cli/terminal/failure.hpp"

#include <boost/asio/this_coro.hpp>

namespace graftline::cli {
namespace {

int exit_status_of(const effects::run_report& report)
{
    if (report.environment_fault) return exit_status::unusable;
    if (report.interrupted) return exit_status::interrupted;
    if (report.incomplete) return exit_status::not_all;
    return std::ranges::all_of(report.tasks, reached) ? exit_status::done : exit_status::not_all;
}

/// Puts back what signals did before, whatever ends the scope: what they do here refers to it.
class borrowed_signals {
public:
    explicit borrowed_signals(interruption& of) : of_(of), before_(of.on_first) {}
    ~borrowed_signals()
    {
        of_.on_first = before_;
        of_.on_second = nullptr;
    }
    borrowed_signals(const borrowed_signals&) = delete;
    borrowed_signals& operator=(const borrowed_signals&) = delete;

private:
    interruption& of_;
    std::function<void()> before_;
};

} // namespace

awaitable<int> carry_out_visibly(session& s, std::shared_ptr<effects::project> in,
                                 std::vector<effects::task> tasks, bool json, start_run start)
{
    progress shown(co_await asio::this_coro::executor, s.err());
    noted_observer watcher(shown, s.log());
    effects::stop_button button;
    shown.expect(tasks);

    const borrowed_signals borrowed(s.signals());
    s.signals().on_first = [&] {
        shown.note(
            "Stopping: agents are asked to end, and all can be gone on with. Interrupt again to kill them.");
        button.press();
    };
    s.signals().on_second = [&] {
        shown.note("Killing the agents.");
        for (const auto& t : tasks)
            kill_attempts(in->log_folder(t.id));
    };
    auto report = co_await start(watcher, button);
    shown.finish();
    if (!report) throw fault_error(report.error());
    s.log().say(
        co_await in->must_store([id = report->run](effects::store& st) { return st.effects_of(id); }));
    if (json)
        s.print_json(effects::to_public_json(*report));
    else
        s.print(summary_of(*report, s.out()));
    co_return exit_status_of(*report);
}

} // namespace graftline::cli
