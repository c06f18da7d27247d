/// The log for whoever looks for a fault: what changed and when, never prompts or environments.
#pragma once

#include "graftline/effects/run/run.hpp"

#include <filesystem>
#include <memory>
#include <string_view>

namespace spdlog {
class logger;
}

namespace graftline::cli {

/// Writes to `<state folder>/graftline.log`, and to standard error when asked. Says nothing before it is
/// opened, unless verbose.
class diagnostics {
public:
    explicit diagnostics(bool verbose);
    ~diagnostics();
    diagnostics(const diagnostics&) = delete;
    diagnostics& operator=(const diagnostics&) = delete;

    /// From now on to the file too, once the folder is there. A log that cannot be opened is no reason not to
    /// work.
    void open(std::filesystem::path state_folder);
    void say(std::string_view sentence);
    /// What the journal has of a run's effects.
    void say(const std::vector<effects::effect_record>& journal);

private:
    void open_file();

    std::shared_ptr<spdlog::logger> logger_;
    std::filesystem::path folder_; ///< empty: nothing to open, or open already
};

/// Writes down what an observer is told, and passes it on.
class noted_observer : public effects::observer {
public:
    noted_observer(effects::observer& next, diagnostics& into) : next_(next), into_(into) {}
    void changed(const effects::task& t) override;
    void said(const std::string& task, std::string_view line) override { next_.said(task, line); }
    void doing(const std::string& task, std::string_view what) override;
    void note(std::string_view sentence) override;

private:
    effects::observer& next_;
    diagnostics& into_;
};

} // namespace graftline::cli
