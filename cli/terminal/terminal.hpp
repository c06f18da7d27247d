/// Standard output and standard error: what they are, and writing to them.
#pragma once

#include "graftline/cli/arguments/arguments.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace graftline::cli {

enum class tint { none, good, bad, warning, faint, strong };

/// One of the two. Writes at once; nothing is buffered.
class terminal {
public:
    /// Colours by `choice`; `automatic` means: on a terminal, unless NO_COLOR is set or TERM is dumb.
    terminal(int descriptor, color_choice choice);

    bool is_terminal() const noexcept { return is_terminal_; }
    bool has_colors() const noexcept { return has_colors_; }
    /// Can lines be drawn over there? Not on a dumb terminal.
    bool can_redraw() const noexcept { return can_redraw_; }
    void never_redraw() noexcept { can_redraw_ = false; }
    /// As they are now: windows change.
    std::size_t columns() const;
    std::size_t rows() const;
    /// False while a write would wait, as on a terminal that was stopped with Ctrl-S.
    bool is_ready() const;

    /// Writes all of it, made harmless (shown_text.hpp): names and messages from outside are in almost
    /// every line. False when it could not; then `error` says why and further writes do nothing.
    bool write(std::string_view text);
    /// The same, byte for byte: for programs, and for what moves the cursor itself.
    bool write_as_it_is(std::string_view text);
    int error() const noexcept { return error_; }
    /// False when nobody reads it any more: a write failed, or would, as into a pipe that head(1) has left.
    bool is_read() const;

    /// `text` in a colour, where there are colours.
    std::string in(tint color, std::string_view text) const;

private:
    int descriptor_;
    bool is_terminal_;
    bool has_colors_;
    bool can_redraw_;
    int error_ = 0;
};

} // namespace graftline::cli
