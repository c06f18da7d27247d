// gemini --output-format stream-json: init, message (a user's is the prompt; an assistant's come in pieces),
// tool_use, tool_result, error, result. With --output-format json one object, as the result is.
#include "graftline/agents/agent/output_event.hpp"
#include "graftline/agents/agent/output_parser.hpp"
#include "graftline/runtime/base/utf8.hpp"

#include <boost/json/object.hpp>

#include <charconv>

namespace graftline::agents {
namespace {

namespace json = boost::json;

class gemini_parser final : public output_parser {
public:
    std::optional<std::string> take(const json::value& e) override
    {
        const auto type = text_at(e, "/type");
        if (type == "init") begin("its output ends before its result");
        if (type == "message") return message(e);
        if (type == "tool_use") {
            overcome();
            streamed_.clear();
            return tool_line(text_at(e, "/tool_name"), look(e, "/parameters"));
        }
        if (type == "error") return error(e);
        if (type == "result" || look(e, "/stats") || look(e, "/response")) return result(e);
        return std::nullopt;
    }

    /// Its exit status is the one of HTTP, as far as that fits into a byte. 41 to 60 are its own.
    std::optional<agents::trouble> trouble_of_status(int exit_status) const override
    {
        constexpr int lost = 256;
        const int status = exit_status >= 144 ? exit_status + lost : exit_status == 17 ? 529 : 0;
        if (status < 400 || status > 599) return std::nullopt;
        return agents::trouble{"HTTP " + std::to_string(status), outlook_of_status(status), std::nullopt};
    }

private:
    std::optional<std::string> message(const json::value& e)
    {
        if (text_at(e, "/role") != "assistant") return std::nullopt;
        overcome();
        if (!is_true_at(e, "/delta")) streamed_.clear();
        streamed_ += text_at(e, "/content");
        if (streamed_.size() > 2 * longest_said) streamed_ = end_of(streamed_, longest_said);
        (void)say(streamed_);
        return shown(last_line(streamed_));
    }

    std::optional<std::string> error(const json::value& e)
    {
        const auto words = text_at(e, "/message");
        if (text_at(e, "/severity") == "warning") return shown(first_line(words));
        return fail(words, outlook_of(words));
    }

    std::optional<std::string> result(const json::value& e)
    {
        end();
        count(e);
        const auto* reported = look(e, "/error");
        const bool failed = (reported && !reported->is_null()) || text_at(e, "/status") == "error";
        if (!failed) return say(text_at(e, "/response"));
        const auto words = text_at(e, "/error/message");
        return fail(words, outlook_of(words));
    }

    void count(const json::value& e)
    {
        if (!look(e, "/stats")) return;
        agents::usage sum{count_at(e, "/stats/input_tokens"), count_at(e, "/stats/output_tokens"), {}};
        const auto* models = look(e, "/stats/models");
        if (models && models->is_object() && !look(e, "/stats/input_tokens"))
            for (const auto& model : models->get_object()) {
                sum.input_tokens += count_at(model.value(), "/tokens/prompt");
                sum.output_tokens += count_at(model.value(), "/tokens/candidates") +
                                     count_at(model.value(), "/tokens/thoughts");
            }
        usage_ = sum;
    }

    /// By the status in `[API Error: {"error":{"code":500,…}}]`, else by the words.
    static outlook outlook_of(std::string_view words)
    {
        const auto by_words = outlook_of_words(words);
        if (by_words == outlook::spent) return by_words;
        constexpr std::string_view key = "\"code\":";
        const auto at = words.find(key);
        if (at == words.npos) return by_words;
        auto digits = words.substr(at + key.size());
        digits.remove_prefix(std::min(digits.find_first_not_of(' '), digits.size()));
        int status = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), status);
        return status >= 400 ? outlook_of_status(status) : by_words;
    }

    std::string streamed_; ///< a message that comes in pieces
};

} // namespace

std::unique_ptr<output_parser> make_gemini_parser()
{
    return std::make_unique<gemini_parser>();
}

} // namespace graftline::agents
