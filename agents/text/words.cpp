#include "graftline/agents/text/words.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

namespace graftline::agents {
namespace {

constexpr std::string_view blanks = " \t";

/// Reads a command one character after the other.
class word_splitter {
public:
    explicit word_splitter(std::string_view command) : text_(command) {}

    result<std::vector<std::string>> split()
    {
        for (; at_ < text_.size(); ++at_)
            if (auto fine = take(text_[at_]); !fine) return fine.error();
        end_word();
        if (words_.empty()) return fault(errc::invalid, "the command is empty");
        return std::move(words_);
    }

private:
    result<void> take(char c)
    {
        if (blanks.find(c) != blanks.npos) {
            end_word();
            return {};
        }
        if (c == '\'' || c == '"') return quoted(c);
        if (c == '\\') {
            if (++at_ == text_.size()) return wrong(at_ - 1, "a backslash with nothing after it");
            add(text_[at_]);
            return {};
        }
        if (std::string_view("|&;<>\n").find(c) != std::string_view::npos)
            return wrong(at_, c == '\n' ? "a line break" : std::string("'") + c + "'")
                .advise("Commands run without a shell. Quote it, or name a shell: sh -c '…'");
        add(c);
        return {};
    }

    result<void> quoted(char quote)
    {
        const std::size_t start = at_++;
        for (; at_ < text_.size() && text_[at_] != quote; ++at_) {
            const bool escapes = quote == '"' && text_[at_] == '\\' && at_ + 1 < text_.size() &&
                                 std::string_view("\\\"$`").find(text_[at_ + 1]) != std::string_view::npos;
            if (escapes) ++at_;
            add(text_[at_]);
        }
        if (at_ == text_.size()) return wrong(start, std::string("a quote ") + quote + " that is not closed");
        in_word_ = true; // '' is a word, and an empty one
        return {};
    }

    void add(char c)
    {
        word_ += c;
        in_word_ = true;
    }

    void end_word()
    {
        if (std::exchange(in_word_, false)) words_.push_back(std::exchange(word_, {}));
    }

    fault wrong(std::size_t at, std::string_view what) const
    {
        return fault(errc::invalid, "a command cannot be split into words: column " + std::to_string(at + 1) +
                                        " has " + std::string(what))
            .with("command", std::string(text_));
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string word_;
    bool in_word_ = false;
    std::vector<std::string> words_;
};

using unit = std::pair<std::string_view, double>;

/// A number at the front of `text`, which is taken off; nullopt when there is none.
std::optional<double> take_number(std::string_view& text)
{
    if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt; // no signs, no "inf"
    double number = 0;
    const auto [end, failed] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (failed != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

/// The unit at the front of `text`, up to the next digit, which is taken off.
template <std::size_t N>
std::optional<double> take_unit(std::string_view& text, const std::array<unit, N>& units)
{
    const std::size_t end = std::min(text.find_first_of("0123456789. "), text.size());
    for (const auto& [name, factor] : units)
        if (name == text.substr(0, end)) {
            text.remove_prefix(end);
            return factor;
        }
    return std::nullopt;
}

} // namespace

result<std::vector<std::string>> split_words(std::string_view command)
{
    return word_splitter(command).split();
}

result<std::chrono::milliseconds> parse_duration(std::string_view text)
{
    static constexpr std::array<unit, 6> units{
        {{"", 1e3}, {"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}}};
    const fault refusal(errc::invalid,
                        "'" + std::string(text) +
                            "' is not a duration; expected something like 90s, 30m, 1h30m or 500ms");
    double sum = 0;
    for (std::string_view rest = text; !rest.empty() || text.empty();) {
        const auto number = take_number(rest);
        const auto factor = number ? take_unit(rest, units) : std::nullopt;
        if (!factor) return refusal;
        sum += *number * *factor;
    }
    if (sum > 366 * 86400e3)
        return fault(refusal.code(), "'" + std::string(text) + "' is too long; at most a year");
    return std::chrono::milliseconds(std::llround(sum));
}

result<std::uint64_t> parse_size(std::string_view text)
{
    constexpr double k = 1024, kilo = 1000;
    static constexpr std::array<unit, 14> units{{{"", 1},
                                                 {"B", 1},
                                                 {"K", k},
                                                 {"KiB", k},
                                                 {"KB", kilo},
                                                 {"M", k * k},
                                                 {"MiB", k * k},
                                                 {"MB", kilo * kilo},
                                                 {"G", k * k * k},
                                                 {"GiB", k * k * k},
                                                 {"GB", kilo * kilo * kilo},
                                                 {"T", k * k * k * k},
                                                 {"TiB", k * k * k * k},
                                                 {"TB", kilo * kilo * kilo * kilo}}};
    std::string_view rest = text;
    const auto number = take_number(rest);
    if (rest.starts_with(' ')) rest.remove_prefix(1);
    const auto factor = number ? take_unit(rest, units) : std::nullopt;
    if (!factor || !rest.empty() || *number * *factor > 1e18)
        return fault(errc::invalid,
                     "'" + std::string(text) + "' is not a size; expected something like 2GiB or 500MB");
    return static_cast<std::uint64_t>(*number * *factor);
}

} // namespace graftline::agents
