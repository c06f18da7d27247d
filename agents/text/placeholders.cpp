#include "graftline/agents/text/placeholders.hpp"

#include <algorithm>

namespace graftline::agents {
namespace {

/// Calls `plain` with the text between placeholders and `named` with what stands in braces, in order. `named`
/// says whether it took the name; if not, the brace is plain text and reading goes on behind it.
template <class Plain, class Named> void for_each_part(std::string_view word, Plain plain, Named named)
{
    while (!word.empty()) {
        const auto open = std::min(word.find('{'), word.size());
        plain(word.substr(0, open));
        word.remove_prefix(open);
        if (word.empty()) return;
        const auto close = word.find('}');
        if (close != word.npos && named(word.substr(1, close - 1))) {
            word.remove_prefix(close + 1);
        } else {
            plain(word.substr(0, 1));
            word.remove_prefix(1);
        }
    }
}

fault too_long(const std::string& word)
{
    return fault(errc::invalid, "a word of the agent's command is longer than a command line takes (128 KiB)")
        .with("word", word)
        .advise("Give the prompt as a file: {prompt_file} instead of {prompt}.");
}

} // namespace

std::string fill_text(std::string_view text, const placeholder_values& values)
{
    std::string filled;
    for_each_part(
        text, [&](std::string_view plain) { filled += plain; },
        [&](std::string_view name) {
            const auto value = values.find(name);
            if (value != values.end()) filled += value->second;
            return value != values.end();
        });
    return filled;
}

result<std::vector<std::string>> fill_words(const std::vector<std::string>& words,
                                            const placeholder_values& values)
{
    std::vector<std::string> filled;
    for (const auto& word : words) {
        auto text = fill_text(word, values);
        if (text.size() > longest_word) return too_long(word);
        filled.push_back(std::move(text));
    }
    return filled;
}

bool mentions(const std::vector<std::string>& words, std::string_view name)
{
    return std::ranges::any_of(words, [&](const std::string& word) {
        bool found = false;
        for_each_part(word, [](std::string_view) {}, [&](std::string_view n) { return found |= n == name; });
        return found;
    });
}

} // namespace graftline::agents
