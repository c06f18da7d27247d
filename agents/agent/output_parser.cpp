#include "graftline/agents/agent/output_parser.hpp"

#include "graftline/agents/agent/output_event.hpp"
#include "graftline/agents/text/printable.hpp"
#include "graftline/runtime/base/utf8.hpp"

#include <algorithm>

namespace graftline::agents {

std::optional<std::string> output_parser::say(std::string_view text)
{
    auto readable = printable_text(text);
    if (readable.empty()) return std::nullopt;
    last_said_ = end_of(readable, longest_said);
    return shown(first_line(last_said_));
}

std::optional<std::string> output_parser::fail(std::string_view words, outlook is,
                                               std::optional<std::chrono::milliseconds> retry_after)
{
    auto line = shown(first_line(words));
    trouble_ = {line.value_or("it reported a failure"), is, retry_after};
    return line;
}

void output_parser::deny(std::string what)
{
    constexpr std::size_t most = 20; // the first ones say what it was about
    if (denied_.size() < most && std::ranges::find(denied_, what) == denied_.end())
        denied_.push_back(std::move(what));
}

std::unique_ptr<output_parser> make_parser(output_format format)
{
    switch (format) {
    case output_format::claude: return make_claude_parser();
    case output_format::codex: return make_codex_parser();
    case output_format::gemini: return make_gemini_parser();
    case output_format::opencode: return make_opencode_parser();
    case output_format::plain: break;
    }
    return nullptr;
}

} // namespace graftline::agents
