/// What was ignored when a worktree was made. Rules that no tree holds (info/exclude, core.excludesFile) are
/// everybody's: another agent may change them meanwhile, and must not decide what this one's work is.
#pragma once

#include "graftline/git/unreached.hpp"
#include "graftline/runtime/awaitable.hpp"
#include "graftline/runtime/fault.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace graftline::git {

class repository;

/// Notes the rules that are in force in git's record of a worktree; they go with it. Errors: the system's.
awaitable<result<void>> keep_ignore_rules(repository& repo, std::filesystem::path record);

/// Notes a line of info/exclude that is ours: it is no change. Call it under the repository's lock.
result<void> note_own_exclusion(const repository& repo, const std::string& pattern);

/// The files with the rules that count instead of those of today, weakest first; none where nothing but lines
/// of ours has changed since, or nothing was noted. `record`: git's folder for the worktree.
awaitable<result<std::vector<std::filesystem::path>>> former_ignore_rules(repository& repo,
                                                                          std::filesystem::path record);

/// The files in the place that git neither tracks nor ignores, by the place's own rules where it has some.
/// With a '/' at the end: repositories. Errors: refused, when git has passed something over. `index`: which
/// to ask instead of the place's own; may be empty.
awaitable<result<std::vector<std::string>>> untracked_in(const repository& repo, workplace place,
                                                         std::filesystem::path index = {});

/// The same, without repositories, where the place has rules of its own; nullopt where git's hold.
awaitable<result<std::optional<std::vector<std::string>>>>
untracked_by_own_rules(const repository& repo, workplace place, std::filesystem::path index = {});

/// Stages all that lies in a work tree, with gits that `prepared` gives. `pathspecs`: what of it, all if
/// empty. `others`: the untracked files that are not ignored; nullopt leaves that to git. Errors: as for
/// `whole_answer`. Borrows `prepared`.
awaitable<result<void>> stage_all(const std::function<command()>& prepared,
                                  std::vector<std::string> pathspecs,
                                  std::optional<std::vector<std::string>> others);

/// Those of `paths` that are ignored in the place.
awaitable<result<std::vector<std::string>>> ignored_among(const repository& repo, workplace place,
                                                          std::vector<std::string> paths);

} // namespace graftline::git
