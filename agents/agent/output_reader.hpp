/// Reading along with an agent: what it says, how it fares, and what it costs.
#pragma once

#include "graftline/agents/agent/output_parser.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::agents {

/// Lines of an agent's standard output in, readable ones out. Takes any bytes: what is not in the agent's
/// format is read as plain text, half a JSON object is passed over.
class output_reader {
public:
    explicit output_reader(output_format format) : format_(format), parser_(make_parser(format)) {}

    /// It reports what it does in what it prints. What does not is worth its last lines only.
    bool has_events() const noexcept { return parser_ != nullptr; }

    /// Takes one line without its end. Result: what of it is worth showing, printable, at most 400 bytes;
    /// often nothing.
    std::optional<std::string> feed(std::string_view line);

    /// What was reported so far; nullopt when nothing was.
    std::optional<agents::usage> usage() const;
    /// The last thing that the agent said, at most its last 64 KiB; empty when it has said nothing.
    const std::string& last_said() const noexcept;
    /// The trouble that the agent reports and has not overcome.
    std::optional<agents::trouble> trouble() const;
    /// The trouble that its exit status alone tells of.
    std::optional<agents::trouble> trouble_of_status(int exit_status) const;
    /// Why what it printed is no whole piece of work; empty when there is nothing to say.
    std::string unfinished() const { return parser_ ? parser_->unfinished() : std::string(); }
    /// What it was not allowed to do.
    std::vector<std::string> denied() const;

private:
    std::optional<std::string> take(std::string_view object);

    output_format format_;
    std::unique_ptr<output_parser> parser_; ///< none for plain
    std::string last_line_;                 ///< that was plain
    std::string gathered_;                  ///< an object that is printed over many lines
    bool is_first_ = true;
};

/// The last lines of such output as a person reads them, at most `lines`, without events that say nothing to
/// anybody: an agent's log is many times as long, and means nothing to another.
std::string readable_end(std::string_view output, output_format format, std::size_t lines);

} // namespace graftline::agents
