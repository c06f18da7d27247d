/// A command line taken apart before its options are read: what belongs to us, and what is somebody else's
/// verbatim.
#pragma once

#include <string>
#include <vector>

namespace graftline::cli {

struct command_words {
    std::string command; ///< the first word that is no option; empty when there is none
    std::vector<std::string> ours;
    std::vector<std::string> theirs; ///< after `--`; of `shell TASK ...` everything after the task
};

command_words separate(std::vector<std::string> words);

} // namespace graftline::cli
