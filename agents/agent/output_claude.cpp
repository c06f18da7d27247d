// claude -p --output-format stream-json: system (init, api_retry, permission_denied), assistant (one event
// for each part of a message, each with the usage of the whole), user, result.
#include "graftline/agents/agent/output_event.hpp"
#include "graftline/agents/agent/output_parser.hpp"

#include <boost/json/array.hpp>

#include <map>

namespace graftline::agents {
namespace {

namespace json = boost::json;

class claude_parser final : public output_parser {
public:
    std::optional<std::string> take(const json::value& e) override
    {
        const auto type = text_at(e, "/type");
        if (type == "result") return result(e);
        if (type == "system") return system(e);
        if (type == "assistant") return assistant(e);
        return std::nullopt;
    }

private:
    std::optional<std::string> system(const json::value& e)
    {
        const auto subtype = text_at(e, "/subtype");
        if (subtype == "init") await_result();
        if (subtype == "permission_denied") deny(tool_of_denial(e).value_or(""));
        if (subtype != "api_retry") return std::nullopt;
        const auto status = count_at(e, "/error_status");
        std::string words(text_at(e, "/error"));
        if (status != 0) words += " (HTTP " + std::to_string(status) + ")";
        const auto waits = std::chrono::milliseconds(count_at(e, "/retry_delay_ms"));
        const auto is = status == 0 ? outlook::passes : outlook_of_status(static_cast<int>(status));
        return fail(words + ", its attempt " + std::to_string(count_at(e, "/attempt")) + " of " +
                        std::to_string(count_at(e, "/max_retries")),
                    is, waits);
    }

    /// Denials are told twice: as they happen, without what was asked for, and in the result.
    std::optional<std::string> tool_of_denial(const json::value& e)
    {
        const auto known = asked_.find(std::string(text_at(e, "/tool_use_id")));
        return known == asked_.end() ? shown(text_at(e, "/tool_name")) : known->second;
    }

    void await_result() { begin("its output ends before its result"); }

    std::optional<std::string> assistant(const json::value& e)
    {
        await_result();
        const bool is_trouble = is_true_at(e, "/is_api_error_message"); // in words of its own; result follows
        if (!is_trouble) {
            overcome();
            count(e);
        }
        const auto* content = look(e, "/message/content");
        if (!content || !content->is_array()) return std::nullopt;
        std::optional<std::string> line;
        for (const auto& part : content->get_array()) {
            const auto kind = text_at(part, "/type");
            std::optional<std::string> next;
            if (kind == "text")
                next = is_trouble ? shown(first_line(text_at(part, "/text"))) : say(text_at(part, "/text"));
            if (kind == "tool_use") next = tool(part);
            if (next) line = std::move(next);
        }
        return line;
    }

    std::optional<std::string> tool(const json::value& part)
    {
        auto line = tool_line(text_at(part, "/name"), look(part, "/input"));
        constexpr std::size_t most = 10'000;
        if (line && asked_.size() < most) asked_[std::string(text_at(part, "/id"))] = *line;
        return line;
    }

    /// For an agent that is ended before its result. A message's later parts repeat its usage.
    void count(const json::value& e)
    {
        const auto* reported = look(e, "/message/usage");
        const auto id = text_at(e, "/message/id");
        if (!reported || !reported->is_object() || id.empty()) return;
        auto& sum = used();
        if (id == counted_) {
            sum.input_tokens -= last_.input_tokens;
            sum.output_tokens -= last_.output_tokens;
        }
        counted_ = id;
        last_ = tokens(*reported);
        sum.input_tokens += last_.input_tokens;
        sum.output_tokens += last_.output_tokens;
    }

    static agents::usage tokens(const json::value& u)
    {
        return {count_at(u, "/input_tokens") + count_at(u, "/cache_creation_input_tokens") +
                    count_at(u, "/cache_read_input_tokens"),
                count_at(u, "/output_tokens"), std::nullopt};
    }

    std::optional<std::string> result(const json::value& e)
    {
        end();
        if (const auto* reported = look(e, "/usage"); reported && reported->is_object()) {
            usage_ = tokens(*reported);
            if (const auto* cost = look(e, "/total_cost_usd"); cost && cost->is_number())
                usage_->cost_usd = number_at(e, "/total_cost_usd");
        }
        if (const auto* refused = look(e, "/permission_denials"); refused && refused->is_array())
            for (const auto& one : refused->get_array())
                deny(tool_line(text_at(one, "/tool_name"), look(one, "/tool_input")).value_or(""));
        const auto subtype = text_at(e, "/subtype");
        if (!is_true_at(e, "/is_error") && !subtype.starts_with("error")) {
            overcome();
            return say(text_at(e, "/result"));
        }
        auto words = text_at(e, "/result");
        if (words.empty()) words = text_at(e, "/errors/0");
        if (words.empty()) words = text_at(e, "/errors/0/message");
        if (words.empty()) words = subtype;
        const auto asked = trouble() ? trouble()->retry_after : std::nullopt;
        return fail(words, outlook_of(e, words), asked);
    }

    static outlook outlook_of(const json::value& e, std::string_view words)
    {
        const auto by_words = outlook_of_words(words);
        if (by_words == outlook::spent) return by_words;
        if (const auto status = count_at(e, "/api_error_status"); status != 0)
            return outlook_of_status(static_cast<int>(status));
        const auto reason = text_at(e, "/terminal_reason");
        if (!reason.empty() && reason != "api_error") return outlook::stays; // its own: turns, budget, prompt
        return text_at(e, "/api_error").starts_with("connection") ? outlook::passes : by_words;
    }

    std::map<std::string, std::string> asked_; ///< by the id of the use of a tool
    std::string counted_;                      ///< id of the message whose usage was counted last
    agents::usage last_;
};

} // namespace

std::unique_ptr<output_parser> make_claude_parser()
{
    return std::make_unique<claude_parser>();
}

} // namespace graftline::agents
