/// Words for a git of ours that takes long, or whose time was over: what it waits for is usually the user's.
#pragma once

#include "graftline/runtime/base/fault.hpp"
#include "graftline/runtime/process/command.hpp"

#include <string>
#include <vector>

namespace graftline::git {

/// "git commit".
std::string name_of_git(const std::vector<std::string>& words);

/// "the hook pre-commit", or the command as it is: `sleep 600`. Nothing when `program` is git itself.
std::string name_of_program(const std::vector<std::string>& program);

/// timed_out: which git, what it waited for, what can be done.
fault git_overdue(const std::vector<std::string>& words, const command_output& output);

} // namespace graftline::git
