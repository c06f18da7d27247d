/// Reading along with an agent: what it says, and what it costs.
#pragma once

#include "graftline/agents/agent.hpp"

#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace graftline::agents {

/// What an agent used, as its own output reports it.
struct usage {
    std::int64_t input_tokens = 0; ///< cached ones included
    std::int64_t output_tokens = 0;
    double cost_usd = 0; ///< 0 when the agent does not tell
};

/// Lines of an agent's standard output in, readable ones out. Takes any bytes: what is not in the agent's
/// format is read as plain text, half a JSON object is passed over.
class output_reader {
public:
    explicit output_reader(output_format format) : format_(format) {}

    /// It reports usage in what it prints. What does not is worth its last lines only.
    bool reports_usage() const noexcept { return format_ != output_format::plain; }

    /// Takes one line without its end. Result: what of it is worth showing, printable, at most 400 bytes;
    /// often nothing.
    std::optional<std::string> feed(std::string_view line);

    /// What was reported so far; nullopt when nothing was.
    const std::optional<agents::usage>& usage() const noexcept { return usage_; }
    /// The last thing that the agent said; empty when it has said nothing.
    const std::string& last_said() const noexcept { return last_said_; }
    /// The agent's own words for why it failed (no credit, a rate limit); empty when it reported no failure.
    const std::string& trouble() const noexcept { return trouble_; }

private:
    std::optional<std::string> event(const boost::json::value& e);
    std::optional<std::string> claude(const boost::json::value& e);
    std::optional<std::string> codex(const boost::json::value& e);
    std::optional<std::string> gemini(const boost::json::value& e);
    std::optional<std::string> opencode(const boost::json::value& e);
    std::optional<std::string> said(std::string_view text);
    std::optional<std::string> failed(std::string_view text);

    output_format format_;
    std::optional<agents::usage> usage_;
    std::string last_said_;
    std::string trouble_;
    std::string streamed_; ///< a message that comes in pieces
    std::string gathered_; ///< an object that is printed over many lines
};

} // namespace graftline::agents
