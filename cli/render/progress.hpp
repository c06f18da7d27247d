/// What a run is busy with, told on standard error while it goes on.
#pragma once

#include "graftline/cli/terminal/live_lines.hpp"
#include "graftline/effects/run/run.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::cli {

/// On a terminal one live line per running task, drawn again at most ten times a second and only while
/// something runs; elsewhere one plain line per event. Lives on one strand; ends with `finish`, at the latest
/// by its destructor.
class progress : public effects::observer {
public:
    progress(asio::any_io_executor executor, terminal& on);
    ~progress() override;

    /// These are to be carried out, in this order.
    void expect(const std::vector<effects::task>& tasks);

    void changed(const effects::task& t) override;
    void said(const std::string& task, std::string_view line) override;
    void doing(const std::string& task, std::string_view what) override;
    void note(std::string_view sentence) override;

    /// Takes the live lines away; nothing is told afterwards.
    void finish();

private:
    struct row {
        effects::task task;
        std::string last_line;
        std::string busy_with;
        std::chrono::steady_clock::time_point since;
        bool shown = false; ///< it runs, or lands
    };

    row& row_of(const std::string& id);
    void tell(const row& r);
    void print(const std::string& line);
    void wake();
    void schedule();
    void redraw();
    std::vector<std::string> lines() const;
    std::string line_of(const row& r, std::size_t columns) const;
    std::string counts() const;

    asio::any_io_executor executor_;
    terminal& on_;
    live_lines block_;
    std::vector<std::unique_ptr<row>> rows_; // in the order given
    std::map<std::string, row*> by_id_;
    std::chrono::steady_clock::time_point began_;
    std::shared_ptr<asio::steady_timer> timer_; // its handler holds it weakly: none outlives us
    bool ticking_ = false;
    bool dirty_ = false;
    bool finished_ = false;
};

} // namespace graftline::cli
