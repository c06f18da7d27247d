// opencode run --format json: step_start, text, tool_use, step_finish (with tokens and cost of the step),
// error.
#include "graftline/agents/agent/output_event.hpp"
#include "graftline/agents/agent/output_parser.hpp"

#include <boost/json/object.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace graftline::agents {
namespace {

namespace json = boost::json;

class opencode_parser final : public output_parser {
public:
    std::optional<std::string> take(const json::value& e) override
    {
        const auto type = text_at(e, "/type");
        if (type == "error") return error(e);
        if (type == "step_start" || type == "text" || type == "tool_use" || type == "step_finish") overcome();
        if (type == "step_start") begin("its output ends in the middle of a step");
        if (type == "text") return say(text_at(e, "/part/text"));
        if (type == "tool_use") return tool(e);
        if (type == "step_finish") finish(e);
        return std::nullopt;
    }

private:
    std::optional<std::string> tool(const json::value& e)
    {
        auto line = tool_line(text_at(e, "/part/tool"), look(e, "/part/state/input"));
        const auto why = text_at(e, "/part/state/error");
        if (line && why.find("rejected permission") != why.npos) deny(*line);
        return line;
    }

    /// Where its last step is no `stop`, it was to go on: a permission was refused, or the answer cut off.
    void finish(const json::value& e)
    {
        const auto reason = text_at(e, "/part/reason");
        if (reason == "stop" || reason.empty())
            end();
        else
            begin(reason == "tool-calls" ? "its last step was no end: it was to go on after a tool"
                  : reason == "length"   ? "its last answer was cut off at its longest"
                                         : "its last step was no end");
        auto& sum = used();
        sum.input_tokens += count_at(e, "/part/tokens/input") + count_at(e, "/part/tokens/cache/read") +
                            count_at(e, "/part/tokens/cache/write");
        sum.output_tokens += count_at(e, "/part/tokens/output") + count_at(e, "/part/tokens/reasoning");
        // 0 is what it says of a model without prices.
        if (const auto cost = number_at(e, "/part/cost"); cost > 0)
            sum.cost_usd = sum.cost_usd.value_or(0) + cost;
    }

    std::optional<std::string> error(const json::value& e)
    {
        std::string_view words;
        for (const char* where : {"/error/data/message", "/error/message", "/message", "/error/name"})
            if (words.empty()) words = text_at(e, where);
        return fail(words, outlook_of(e, words), retry_after(e));
    }

    static outlook outlook_of(const json::value& e, std::string_view words)
    {
        const auto by_words = outlook_of_words(words);
        if (by_words == outlook::spent) return by_words;
        if (const auto* again = look(e, "/error/data/isRetryable"); again && again->is_bool())
            return again->get_bool() ? outlook::passes : outlook::stays;
        const auto status = count_at(e, "/error/data/statusCode");
        return status != 0 ? outlook_of_status(static_cast<int>(status)) : by_words;
    }

    /// In seconds; the date that it may be instead is passed over.
    static std::optional<std::chrono::milliseconds> retry_after(const json::value& e)
    {
        const auto* headers = look(e, "/error/data/responseHeaders");
        if (!headers || !headers->is_object()) return std::nullopt;
        for (const auto& header : headers->get_object()) {
            std::string name(header.key());
            std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
            const bool in_ms = name == "retry-after-ms";
            if ((!in_ms && name != "retry-after") || !header.value().is_string()) continue;
            const std::string_view text = header.value().get_string();
            std::uint32_t number = 0;
            const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
            if (failed != std::errc() || end != text.data() + text.size()) continue;
            return in_ms ? std::chrono::milliseconds(number) : std::chrono::seconds(number);
        }
        return std::nullopt;
    }
};

} // namespace

std::unique_ptr<output_parser> make_opencode_parser()
{
    return std::make_unique<opencode_parser>();
}

} // namespace graftline::agents
