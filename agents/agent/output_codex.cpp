// codex exec --json: thread.started, turn.started, item.started and item.completed, error, and turn.completed
// or turn.failed. An item of the type `error` is a mere warning.
#include "graftline/agents/agent/output_event.hpp"
#include "graftline/agents/agent/output_parser.hpp"

#include <algorithm>

namespace graftline::agents {
namespace {

namespace json = boost::json;

class codex_parser final : public output_parser {
public:
    std::optional<std::string> take(const json::value& e) override
    {
        const auto type = text_at(e, "/type");
        if (type.starts_with("item.")) return item(e, type);
        if (type == "turn.started") begin("its output ends before its turn does");
        if (type == "turn.completed") completed(e);
        if (type == "turn.failed") {
            end();
            return failed(text_at(e, "/error/message"));
        }
        // "Reconnecting... 1/5 (…)": whatever comes next shows that it was overcome.
        if (type == "error") return failed(text_at(e, "/message"));
        return std::nullopt;
    }

private:
    std::optional<std::string> failed(std::string_view words)
    {
        return fail(words.empty() ? "its turn failed" : words, outlook_of_words(words));
    }

    void completed(const json::value& e)
    {
        end();
        overcome();
        if (!look(e, "/usage")) return;
        auto& sum = used();
        sum.input_tokens += count_at(e, "/usage/input_tokens");
        sum.output_tokens += count_at(e, "/usage/output_tokens");
    }

    std::optional<std::string> item(const json::value& e, std::string_view type)
    {
        auto kind = text_at(e, "/item/type");
        if (kind.empty()) kind = text_at(e, "/item/item_type");
        if (kind == "error") return shown(first_line(text_at(e, "/item/message")));
        overcome();
        const bool is_done = type == "item.completed";
        if (is_done && (kind == "agent_message" || kind == "assistant_message"))
            return say(text_at(e, "/item/text"));
        if (type == "item.started" && kind == "command_execution")
            return shown(first_line(bare_command(text_at(e, "/item/command"))));
        if (is_done && kind == "file_change") return tool_line("edited", look(e, "/item/changes/0"));
        return std::nullopt;
    }

    /// "make test" of "/bin/bash -lc 'make test'"; as it is where it is quoted in any other way.
    static std::string_view bare_command(std::string_view command)
    {
        for (const std::string_view shell : {"/bin/bash -lc '", "bash -lc '", "/bin/sh -c '"})
            if (command.starts_with(shell) && command.ends_with('\'') &&
                std::ranges::count(command, '\'') == 2)
                return command.substr(shell.size(), command.size() - shell.size() - 1);
        return command;
    }
};

} // namespace

std::unique_ptr<output_parser> make_codex_parser()
{
    return std::make_unique<codex_parser>();
}

} // namespace graftline::agents
