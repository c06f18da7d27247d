#include "graftline/cli/arguments/command_words.hpp"

#include <algorithm>
#include <iterator>

namespace graftline::cli {
namespace {

bool takes_next_word(const std::string& option)
{
    return option == "-C" || option == "--color";
}

/// Where the next word stands, from `at` on, that is no option and no option's value.
std::size_t next_plain(const std::vector<std::string>& words, std::size_t at)
{
    for (; at < words.size() && words[at].starts_with('-'); ++at)
        if (takes_next_word(words[at])) ++at;
    return std::min(at, words.size());
}

} // namespace

command_words separate(std::vector<std::string> words)
{
    command_words split;
    const auto dashes = static_cast<std::size_t>(std::ranges::find(words, "--") - words.begin());
    auto end = dashes;
    if (const auto at = next_plain(words, 0); at < dashes) {
        split.command = words[at];
        // The task is shell's; all behind it is the command that runs there.
        if (split.command == "shell") end = std::min(dashes, next_plain(words, at + 1) + 1);
    }
    const auto rest = std::min(words.size(), end == dashes ? end + 1 : end);
    split.theirs.assign(std::make_move_iterator(words.begin() + static_cast<std::ptrdiff_t>(rest)),
                        std::make_move_iterator(words.end()));
    words.resize(end);
    split.ours = std::move(words);
    return split;
}

} // namespace graftline::cli
