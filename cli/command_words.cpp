#include "graftline/cli/command_words.hpp"

#include <algorithm>
#include <iterator>

namespace graftline::cli {
namespace {

bool takes_next_word(const std::string& option)
{
    return option == "-C" || option == "--color";
}

/// Where the command of `shell TASK COMMAND...` begins; the end for every other command line.
std::size_t start_of_shell_command(const std::vector<std::string>& words)
{
    int plain = 0;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i].starts_with('-')) {
            if (takes_next_word(words[i])) ++i;
            continue;
        }
        if (++plain == 1 && words[i] != "shell") return words.size();
        if (plain == 2) return i + 1;
    }
    return words.size();
}

} // namespace

command_words separate(std::vector<std::string> words)
{
    const auto dashes = static_cast<std::size_t>(std::ranges::find(words, "--") - words.begin());
    const auto end = std::min(dashes, start_of_shell_command(words));
    const auto rest = end + (end == dashes && dashes < words.size() ? 1 : 0);
    command_words split;
    split.theirs.assign(std::make_move_iterator(words.begin() + static_cast<std::ptrdiff_t>(rest)),
                        std::make_move_iterator(words.end()));
    words.resize(end);
    split.ours = std::move(words);
    return split;
}

} // namespace graftline::cli
