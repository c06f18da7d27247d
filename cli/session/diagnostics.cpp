#include "graftline/cli/session/diagnostics.hpp"

#include "graftline/cli/terminal/shown_text.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace graftline::cli {
namespace {

constexpr const char* pattern = "%Y-%m-%dT%H:%M:%S.%e %P %v";
constexpr std::uintmax_t longest_log = 8u << 20;

} // namespace

diagnostics::diagnostics(bool verbose) : logger_(std::make_shared<spdlog::logger>("graftline"))
{
    // Not registered anywhere: the registry belongs to whoever owns the process.
    logger_->set_error_handler([](const std::string&) {}); // a full disk is told where it matters
    if (!verbose) return;
    logger_->sinks().push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger_->set_pattern(pattern, spdlog::pattern_time_type::utc);
}

diagnostics::~diagnostics() = default;

void diagnostics::open(std::filesystem::path state_folder)
{
    folder_ = std::move(state_folder);
}

void diagnostics::open_file()
{
    std::error_code ignored;
    // The folder is made by whoever stores the first task, not by a log.
    if (folder_.empty() || !std::filesystem::is_directory(folder_, ignored)) return;
    const auto file = folder_ / "graftline.log";
    folder_.clear();
    if (const auto size = std::filesystem::file_size(file, ignored); !ignored && size > longest_log)
        std::filesystem::rename(file, file.string() + ".old", ignored);
    try {
        logger_->sinks().push_back(std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string()));
        logger_->set_pattern(pattern, spdlog::pattern_time_type::utc);
        logger_->flush_on(spdlog::level::info);
    } catch (const spdlog::spdlog_ex& e) {
        say(e.what());
    }
}

void diagnostics::say(std::string_view sentence)
{
    open_file();
    logger_->info("{}", harmless_line(sentence));
}

void diagnostics::say(const std::vector<effects::effect_record>& journal)
{
    open_file();
    for (const auto& e : journal)
        logger_->info("{} effect {} {} {} from {} to {}", e.run, e.path, e.kind, e.state, e.started_at,
                      e.resolved_at);
}

void noted_observer::changed(const effects::task& t)
{
    std::string line = t.run + " task " + t.id + " is " + std::string(effects::to_string(t.state));
    if (!t.branch.empty()) line += ", branch " + t.branch;
    if (!t.attempt.empty()) line += ", attempt " + t.attempt;
    if (!t.landed.empty()) line += ", landed " + t.landed;
    into_.say(t.reason.empty() ? line : line + ": " + t.reason.substr(0, t.reason.find('\n')));
    next_.changed(t);
}

void noted_observer::doing(const std::string& task, std::string_view what)
{
    into_.say("task " + task + ": " + std::string(what));
    next_.doing(task, what);
}

void noted_observer::note(std::string_view sentence)
{
    into_.say(sentence);
    next_.note(sentence);
}

} // namespace graftline::cli
