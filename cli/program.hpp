/// The graftline command.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace graftline::cli {

/// Carries a command line out, given without the program's name, and gives the process's exit status. Ignores
/// SIGPIPE.
int run_program(std::vector<std::string> words, std::string_view version);

} // namespace graftline::cli
