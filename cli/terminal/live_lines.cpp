#include "graftline/cli/terminal/live_lines.hpp"

#include "graftline/cli/terminal/shown_text.hpp"

namespace graftline::cli {
namespace {

constexpr const char* hide_cursor = "\x1b[?25l";
constexpr const char* show_cursor = "\x1b[?25h";
// A narrowed window would otherwise break our lines in two and the count of rows would be wrong.
constexpr const char* wrap_off = "\x1b[?7l";
constexpr const char* wrap_on = "\x1b[?7h";
constexpr const char* clear_line =
    "\x1b[2K"; // before its text: after it, it would take a full line's last column
constexpr const char* clear_below = "\x1b[J";

} // namespace

std::string live_lines::go_to_top() const
{
    if (drawn_ == 0) return {};
    return "\r\x1b[" + std::to_string(drawn_) + "A";
}

std::string live_lines::wipe() const
{
    // Line by line: some terminals keep a screen that is cleared as a whole in their history.
    std::string text;
    for (std::size_t i = 0; i < drawn_; ++i)
        text += std::string(clear_line) + "\n";
    return text + go_to_top();
}

void live_lines::draw(const std::vector<std::string>& lines)
{
    std::string text = hide_cursor;
    text += wrap_off;
    text += go_to_top();
    for (const auto& line : lines)
        text += clear_line + harmless_text(line) + "\n";
    text += clear_below;
    text += wrap_on;
    text += show_cursor;
    drawn_ = lines.size();
    on_.write_as_it_is(text);
}

void live_lines::print_above(const std::string& text)
{
    on_.write_as_it_is(go_to_top() + wipe() + harmless_text(text));
    drawn_ = 0;
}

void live_lines::erase()
{
    if (drawn_ == 0) return;
    on_.write_as_it_is(go_to_top() + wipe());
    drawn_ = 0;
}

} // namespace graftline::cli
