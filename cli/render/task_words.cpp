#include "graftline/cli/render/task_words.hpp"

#include "graftline/cli/terminal/shown_text.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace graftline::cli {
namespace {

using effects::task;
using enum effects::task_state;

/// The last lines of a file; reads only its end, however long it is.
std::vector<std::string> last_lines(const std::filesystem::path& file, std::size_t count)
{
    constexpr std::streamoff most = 16 * 1024;
    std::ifstream in(file, std::ios::binary | std::ios::ate);
    if (!in) return {};
    const std::streamoff size = in.tellg();
    in.seekg(std::max<std::streamoff>(0, size - most));
    const std::string text((std::istreambuf_iterator<char>(in)), {});

    std::vector<std::string> lines;
    std::size_t end = text.size();
    while (end > 0 && lines.size() < count) {
        const auto before = text.rfind('\n', end - 1);
        const auto begin = before == std::string::npos ? 0 : before + 1;
        if (auto line = harmless_line(std::string_view(text).substr(begin, end - begin)); !line.empty())
            lines.push_back(std::move(line));
        end = before == std::string::npos ? 0 : before;
    }
    std::ranges::reverse(lines);
    return lines;
}

/// The folder of the gate that ran last for the task; empty when none did.
std::filesystem::path last_gate(const std::filesystem::path& logs)
{
    namespace fs = std::filesystem;
    std::error_code failed;
    fs::path newest;
    fs::file_time_type when{};
    for (fs::directory_iterator at(logs, failed), end; !failed && at != end; at.increment(failed)) {
        if (!at->path().filename().string().starts_with("gate-")) continue;
        std::error_code ignored;
        if (const auto written = at->last_write_time(ignored); newest.empty() || written > when) {
            newest = at->path();
            when = written;
        }
    }
    return newest;
}

} // namespace

tint tint_of(effects::task_state state) noexcept
{
    switch (state) {
    case merged:
    case completed: return tint::good;
    case failed: return tint::bad;
    case conflicted:
    case cancelled: return tint::warning;
    case running: return tint::strong;
    case pending:
    case discarded: return tint::faint;
    }
    return tint::none;
}

bool reached(const task& t) noexcept
{
    if (t.state == merged) return true;
    if (t.state != completed) return false;
    if (t.commit.empty() && !t.left.empty()) return false; // what it made is elsewhere
    return !t.spec.land || t.commit.empty() || !t.undone.empty();
}

bool is_at_rest(const task& t) noexcept
{
    if (t.state == completed) return !t.spec.land || t.commit.empty() || !t.reason.empty();
    return t.state != running && t.state != pending;
}

std::string shown_title(const task& t, std::size_t columns)
{
    return fit(harmless_line(effects::title(t, 400)), columns);
}

std::string cost_text(const effects::token_usage& used)
{
    if (!used.cost_known && used.cost_usd == 0) return "cost unknown";
    char text[48];
    std::snprintf(text, sizeof text, "%s%.4f USD", used.cost_known ? "" : "at least ", used.cost_usd);
    return text;
}

std::vector<std::string> next_steps(const task& t)
{
    const auto say = [&](const std::string& verb, const std::string& rest = "") {
        return "graftline " + verb + " " + t.id + rest;
    };
    switch (t.state) {
    case pending:
        if (t.spec.by_hand) return {say("shell"), say("commit", " -m MESSAGE"), say("land")};
        return {say("retry"), say("discard")};
    case running: return {say("logs -f"), say("cancel")};
    case completed:
        if (t.commit.empty() && !t.left.empty() && !t.worktree.empty()) return {say("shell"), say("logs")};
        if (t.commit.empty() && !t.left.empty()) return {say("logs")};
        if (t.commit.empty()) return {say("logs"), say("discard")};
        if (t.reason.starts_with("landing waits"))
            return {say("land"), say("land", " --into " + target_of(t) + "-next")};
        return {say("diff"), say("land")};
    case failed:
        if (t.rejected) return {say("shell"), say("land"), say("retry")};
        if (!has_agent(t.spec)) return {say("shell"), say("commit", " -m MESSAGE"), say("discard")};
        return {say("logs"), say("retry"), say("discard")};
    case conflicted: {
        if (target_of(t).empty()) return {say("retry"), say("discard")};
        return {say("retry"), say("shell", " git merge " + target_of(t)) + ", then " + say("land"),
                say("discard")};
    }
    case cancelled: return {say("retry"), say("discard")};
    case merged:
    case discarded: return {};
    }
    return {};
}

std::vector<std::string> last_output(const task& t, std::size_t count)
{
    if (t.attempt.empty()) return {};
    std::filesystem::path folder = t.attempt;
    if (t.rejected) folder = last_gate(folder.parent_path());
    if (folder.empty()) return {};
    auto lines = last_lines(folder / "stderr.log", count);
    if (lines.empty()) lines = last_lines(folder / "stdout.log", count);
    return lines;
}

} // namespace graftline::cli
