/// Programs that git runs for a worktree: those of filters, and hooks. Their settings may stay as they were
/// while the files behind them are replaced, and no git can be held to a program that is gone.
#pragma once

#include "graftline/git/repository/rule_settings.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace graftline::git {

/// The files that a filter's command names, as a shell would find them in `worktree`: the program, wherever
/// the PATH leads, and scripts and other programs among its arguments. What these load by themselves (modules
/// of an interpreter) is not seen.
std::vector<std::filesystem::path> files_of_command(const std::string& text,
                                                    const std::filesystem::path& worktree);

/// Programs as they are now, one text. `settings`: those that count in the worktree. `hooks`: the folder of
/// hooks; a relative one is the tree's own, and what is in it the task's. Reads files of up to 64 KiB, of the
/// others looks at size and times. Blocks.
std::string programs_now(const setting_values& settings, const std::filesystem::path& hooks,
                         const std::filesystem::path& worktree);

/// What is not as it was, in words for a person.
struct changed_programs {
    std::vector<std::string> filters; ///< "filter.own.clean (/usr/local/bin/clean)"
    std::vector<std::string> hooks;   ///< paths
};

/// Compares two texts of `programs_now`. Files of the tree itself are the task's to change, and still decide
/// what a filter makes of its work: they count.
changed_programs compare_programs(const std::string& noted, const std::string& now);

} // namespace graftline::git
