/// Which files of a place are somebody's work: those that are tracked, and those that are not ignored by the
/// rules that count there (see git/rules/noted_rules.hpp).
#pragma once

#include "graftline/git/refs/unreached.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace graftline::git {

class repository;

/// The files in the place that git neither tracks nor ignores, by the place's own rules where it has some.
/// With a '/' at the end: repositories. Errors: refused, when git has passed something over. `index`: which
/// to ask instead of the place's own; may be empty.
awaitable<result<std::vector<std::string>>> untracked_in(const repository& repo, workplace place,
                                                         std::filesystem::path index = {});

/// The same, without repositories, where the place has rules of its own; nullopt where git's hold.
awaitable<result<std::optional<std::vector<std::string>>>>
untracked_by_own_rules(const repository& repo, workplace place, std::filesystem::path index = {});

/// Notes the untracked files that are not ignored as new in `index`, a copy of the place's own: without their
/// contents. Errors: as for `whole_answer`.
awaitable<result<void>> note_new_files(const repository& repo, workplace place, std::filesystem::path index);

/// Stages all that lies in a work tree, with gits that `prepared` gives. `pathspecs`: what of it, all if
/// empty. `others`: the untracked files that are not ignored; nullopt leaves that to git. Errors: as for
/// `whole_answer`; refused, naming a path that git takes for its own folder. Borrows `prepared`.
awaitable<result<void>> stage_all(const std::function<command()>& prepared,
                                  std::vector<std::string> pathspecs,
                                  std::optional<std::vector<std::string>> others);

/// Those of `paths` that are ignored in the place.
awaitable<result<std::vector<std::string>>> ignored_among(const repository& repo, workplace place,
                                                          std::vector<std::string> paths);

} // namespace graftline::git
