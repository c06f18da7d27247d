/// Text from elsewhere made fit for a terminal: nothing in it moves the cursor, and its width is known.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace graftline::cli {

/// Bytes in, harmless text out, in any chunking. Escape sequences and other control characters are taken out,
/// what is not UTF-8 becomes U+FFFD, a lone carriage return ends the line. Tabs and line ends stay.
class text_filter {
public:
    /// With `keep_colors` sequences that only set colours and weight (SGR) stay.
    explicit text_filter(bool keep_colors = false) : keep_colors_(keep_colors) {}
    std::string feed(std::string_view chunk);
    /// What is to be printed last: undoes a colour that was left on.
    std::string end();

private:
    enum class in { text, escape, sequence, string, string_escape };
    void take(char c, std::string& out);
    void take_text(unsigned char c, std::string& out);
    void finish_character(std::string& out);

    bool keep_colors_;
    in state_ = in::text;
    std::string pending_; // a character or a sequence that is not complete yet
    std::size_t wanted_ = 0;
    bool after_return_ = false;
    bool colored_ = false;
};

/// Whole text for a person, harmless; colours stay. All that a terminal writes goes through it.
std::string harmless_text(std::string_view text);

/// One line, harmless, without line ends and tabs.
std::string harmless_line(std::string_view text);

/// Columns that harmless text takes up on a terminal.
std::size_t columns_of(std::string_view text);

/// `text` cut to `columns`, with an ellipsis where something is missing. Never more columns than that.
std::string fit(std::string_view text, std::size_t columns);

/// `text` cut to `columns` and filled up with spaces to just as many.
std::string pad(std::string_view text, std::size_t columns);

/// "0.4s", "12s", "3m05s", "2h04m".
std::string duration_text(double seconds);

} // namespace graftline::cli
