#include "graftline/git/merge/merge_attributes.hpp"

#include <algorithm>

namespace graftline::git {
namespace {

constexpr std::string_view blanks = " \t\r\n";

/// The next word of `text`, which is taken out of it.
std::string_view take_word(std::string_view& text)
{
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    const std::string_view word = text.substr(0, text.find_first_of(blanks));
    text.remove_prefix(word.size());
    return word;
}

bool bears_on_merging(std::string_view attributes)
{
    for (auto word = take_word(attributes); !word.empty(); word = take_word(attributes)) {
        if (word.starts_with('-') || word.starts_with('!')) word.remove_prefix(1);
        word = word.substr(0, word.find('='));
        if (word == "merge" || word == "conflict-marker-size" || word == "binary") return true;
    }
    return false;
}

char small(char c)
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string in_small_letters(std::string_view text)
{
    std::string all(text);
    std::ranges::transform(all, all.begin(), small);
    return all;
}

/// `*` may stand for anything here, slashes too.
bool glob_may_match(std::string_view pattern, std::string_view text)
{
    std::size_t at = 0, in = 0, star = pattern.npos, tried = 0;
    while (in < text.size()) {
        if (at < pattern.size() && pattern[at] == '*') {
            star = at++;
            tried = in;
        } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[in])) {
            ++at;
            ++in;
        } else if (star != pattern.npos) {
            at = star + 1;
            in = ++tried;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', at) == pattern.npos;
}

} // namespace

merge_attributes::merge_attributes(std::string_view text)
{
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        take_line(line);
    }
}

void merge_attributes::take_line(std::string_view line)
{
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    if (line.empty() || line.front() == '#') return;
    if (line.front() == '"') { // a quoted pattern, which may hold blanks
        everything_ = everything_ || bears_on_merging(line.substr(line.rfind('"') + 1));
        return;
    }
    const std::string_view pattern = take_word(line);
    if (!bears_on_merging(line)) return;
    // A macro is used under its own name, here or elsewhere.
    const bool simple = !pattern.starts_with("[attr]") && !pattern.starts_with('!') &&
                        !pattern.ends_with('/') && pattern.find_first_of("[\\") == pattern.npos;
    if (simple)
        patterns_.push_back(in_small_letters(pattern));
    else
        everything_ = true;
}

bool merge_attributes::may_match(std::string_view path) const
{
    if (everything_) return true;
    if (patterns_.empty()) return false;
    const std::string whole = in_small_letters(path);
    const std::string_view name = std::string_view(whole).substr(whole.rfind('/') + 1);
    return std::ranges::any_of(patterns_, [&](std::string_view pattern) {
        if (pattern.find('/') == pattern.npos) return glob_may_match(pattern, name);
        if (pattern.starts_with('/')) pattern.remove_prefix(1);
        // "**/x" is x at the top as well.
        if (pattern.find("**/") != pattern.npos) return true;
        return glob_may_match(pattern, whole);
    });
}

} // namespace graftline::git
