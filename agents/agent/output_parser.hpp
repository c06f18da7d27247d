/// One format of what agents print, behind one interface.
#pragma once

#include "graftline/agents/agent/agent.hpp"
#include "graftline/agents/agent/passing_trouble.hpp"

#include <boost/json/value.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::agents {

/// What an agent used, as its own output reports it.
struct usage {
    std::int64_t input_tokens = 0; ///< cached ones included
    std::int64_t output_tokens = 0;
    std::optional<double> cost_usd; ///< none when the agent does not tell
};

/// Why an agent says that it failed.
struct trouble {
    std::string words; ///< its own, one printable line
    outlook is = outlook::stays;
    std::optional<std::chrono::milliseconds> retry_after; ///< that the service asked for
};

/// Reads the events of one format, in the order in which they are printed. A trouble that the agent has
/// overcome is forgotten. Any JSON is taken; what is not of the format is passed over.
class output_parser {
public:
    virtual ~output_parser() = default;
    output_parser(const output_parser&) = delete;
    output_parser& operator=(const output_parser&) = delete;

    /// Result: what of the event is worth showing, printable, at most 400 bytes; often nothing.
    virtual std::optional<std::string> take(const boost::json::value& event) = 0;
    /// The trouble that an exit status alone tells of.
    virtual std::optional<trouble> trouble_of_status(int /*exit_status*/) const { return std::nullopt; }

    const std::optional<agents::usage>& usage() const noexcept { return usage_; }
    const std::optional<agents::trouble>& trouble() const noexcept { return trouble_; }
    /// Why what was printed is no whole piece of work, although no trouble was reported: it began, and its
    /// end is not there. Empty when there is nothing to say.
    const std::string& unfinished() const noexcept { return unfinished_; }
    /// The last message, its end where it is long.
    const std::string& last_said() const noexcept { return last_said_; }
    /// What it was not allowed to do: "Bash make test".
    const std::vector<std::string>& denied() const noexcept { return denied_; }

protected:
    output_parser() = default;
    /// What the agent says: kept as its last message. Result: its first line.
    std::optional<std::string> say(std::string_view text);
    /// The trouble that there is now. Result: its words.
    std::optional<std::string> fail(std::string_view words, outlook is,
                                    std::optional<std::chrono::milliseconds> retry_after = {});
    void overcome() { trouble_.reset(); }
    void begin(const char* what) { unfinished_ = what; }
    void end() { unfinished_.clear(); }
    agents::usage& used() { return usage_ ? *usage_ : usage_.emplace(); }
    void deny(std::string what);

    std::optional<agents::usage> usage_;

private:
    std::optional<agents::trouble> trouble_;
    std::string unfinished_;
    std::string last_said_;
    std::vector<std::string> denied_;
};

std::unique_ptr<output_parser> make_claude_parser();
std::unique_ptr<output_parser> make_codex_parser();
std::unique_ptr<output_parser> make_gemini_parser();
std::unique_ptr<output_parser> make_opencode_parser();
/// Nothing for plain: there is nothing to parse.
std::unique_ptr<output_parser> make_parser(output_format format);

} // namespace graftline::agents
