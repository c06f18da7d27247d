#include "graftline/agents/text/task_text.hpp"

#include "graftline/runtime/base/utf8.hpp"

#include <cstdio>
#include <optional>
#include <string>
#include <utility>

namespace graftline::agents {
namespace {

constexpr std::size_t longest_description = 100'000;

std::string_view trimmed(std::string_view text)
{
    constexpr std::string_view blanks = " \t\r\n";
    const auto start = text.find_first_not_of(blanks);
    if (start == text.npos) return {};
    return text.substr(start, text.find_last_not_of(blanks) - start + 1);
}

std::string with_plain_newlines(std::string_view text)
{
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at)
        if (text[at] != '\r' || at + 1 == text.size() || text[at + 1] != '\n') plain += text[at];
    return plain;
}

std::string code_of(unsigned value)
{
    char text[16];
    std::snprintf(text, sizeof text, "U+%04X", value);
    return text;
}

/// The control character at `at`, if it is one: C0, DEL or C1. Newline and tab are text.
std::optional<unsigned> control_at(std::string_view text, std::size_t at)
{
    const auto c = static_cast<unsigned char>(text[at]);
    if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F) return c;
    if (c != 0xC2 || at + 1 == text.size()) return std::nullopt;
    const auto next = static_cast<unsigned char>(text[at + 1]);
    return next < 0xA0 ? std::optional<unsigned>(next) : std::nullopt;
}

} // namespace

result<void> check_description(std::string_view description)
{
    if (trimmed(description).empty()) return fault(errc::invalid, "the task is empty");
    if (description.size() > longest_description)
        return fault(errc::invalid, "the task has " + std::to_string(description.size()) +
                                        " bytes; at most 100000 are taken")
            .advise("Put the long text into a plan, as the task's \"prompt\".");
    for (std::size_t at = 0; at < description.size();) {
        const std::size_t length = character_length(description, at);
        const auto place = [&] { return " at byte " + std::to_string(at + 1); };
        if (length == 0) return fault(errc::invalid, "the task is not UTF-8 text" + place());
        if (const auto control = control_at(description, at))
            return fault(errc::invalid,
                         "the task holds a control character (" + code_of(*control) + ")" + place());
        at += length;
    }
    return {};
}

result<task_text> parse_task_text(std::string_view text, const agent_known& known)
{
    task_text task;
    std::string description = with_plain_newlines(trimmed(text));
    if (const auto colon = description.rfind(':'); colon != std::string::npos) {
        const auto name = trimmed(std::string_view(description).substr(colon + 1));
        // "fix: claude" is a sentence, "fix:claude" names an agent.
        const bool adjacent = colon + 1 < description.size() && name.data() == description.data() + colon + 1;
        if (adjacent && known && known(name)) {
            const bool kept = colon > 0 && description[colon - 1] == '\\';
            if (!kept) task.agent = std::string(name);
            description.erase(kept ? colon - 1 : colon, kept ? 1 : std::string::npos);
        }
    }
    task.description = std::string(trimmed(description));
    if (auto fine = check_description(task.description); !fine) return fine.error();
    return task;
}

result<std::vector<task_text>> parse_task_list(std::string_view text, std::string_view file,
                                               const agent_known& known)
{
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3); // a mark that some editors put first
    std::vector<task_text> tasks;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty() || line.starts_with('#')) continue;
        auto task = parse_task_text(line, known);
        if (!task) {
            fault f(task.error().code(),
                    std::string(file) + ":" + std::to_string(number) + ": " + task.error().what());
            return std::move(f).advise(task.error().advice());
        }
        tasks.push_back(std::move(*task));
    }
    if (tasks.empty()) return fault(errc::invalid, std::string(file) + ": there is no task in it");
    return tasks;
}

} // namespace graftline::agents
