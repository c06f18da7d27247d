/// What decided a task's content when its worktree was made. Rules that no tree holds (info/exclude,
/// info/attributes, the configuration) are everybody's: another agent may change them meanwhile, and must not
/// decide what this one's work is, nor what of it is kept.
#pragma once

#include "graftline/git/refs/unreached.hpp"
#include "graftline/git/repository/environment.hpp"
#include "graftline/git/rules/filters.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace graftline::git {

class repository;

/// What has been changed since, each in words for a person: a setting's key, a file's path.
struct rule_changes {
    std::vector<std::string> seeing;     ///< which files git sees: what is ignored, what counts as changed
    std::vector<std::string> converting; ///< settings of conversions on the way into the object store
    std::vector<std::string> attributes; ///< files that say what is converted
    std::vector<std::string> unheld;     ///< those among them that no git can be kept from
    std::vector<std::string> programs;   ///< of filters: what they make may be something else than before
    std::vector<std::string> hooks;      ///< they say nothing of what the content is

    bool is_none() const noexcept { return seeing.empty() && keeps_conversions() && programs.empty(); }
    bool keeps_conversions() const noexcept { return converting.empty() && attributes.empty(); }
    /// What git is kept from: all but programs and hooks.
    std::vector<std::string> all() const;
};

/// Notes the rules that are in force in git's record of the worktree at `worktree`; they go with it. Errors:
/// git's words, the system's.
awaitable<result<void>> note_rules(repository& repo, std::filesystem::path record,
                                   std::filesystem::path worktree);

/// Notes, too, which programs its filters and hooks are, and what it stands at. Call it when the files are
/// there, before anything works in them; again when something was put beside them. Nothing where no rules
/// were noted. Errors: the system's.
awaitable<result<void>> note_programs(repository& repo, std::filesystem::path record,
                                      std::filesystem::path worktree);

/// The file that a git which somebody starts in the worktree is to take for core.excludesFile: what that said
/// when the worktree was made, and what was put there (git/rules/furnished.hpp). Empty where there is none to
/// be had. Errors: the system's.
result<std::filesystem::path> ignored_beside_tree(const std::filesystem::path& record,
                                                  const std::filesystem::path& worktree);

/// The setting, as a key and a value, by which git takes that file in this worktree and in no other
/// repository, also none inside it: there its lines would hide what is the task's work. Nullopt where there
/// is no such file. Errors: the system's.
result<std::optional<variable>> ignoring_setting(const std::filesystem::path& record,
                                                 const std::filesystem::path& worktree);

/// For a repository inside the worktree: the words that hold it to the noted rules, without what was put into
/// the worktree around it.
std::vector<std::string> words_inside(std::vector<std::string> words);

/// Notes a line of info/exclude that is ours: it is no change. Call it under the repository's lock.
result<void> note_own_exclusion(const repository& repo, const std::string& pattern);

/// Edits of copies that were put into a worktree (git/rules/furnished.hpp): no part of the task's work, and
/// yet not to be lost.
enum class copied_edits { are_no_work, are_kept };

/// Makes the gits of a place heed the rules that were noted for it, whatever the configuration says today,
/// and says what has been changed. Nothing where nothing was noted. What only today's files decide is in the
/// result: see `workplace::ignored_by`, `workplace::as_bytes`, `workplace::distrusted_since`. Errors: git's
/// words, the system's. Lifetime: borrows both.
awaitable<result<rule_changes>> hold_rules(repository& repo, workplace& place,
                                           copied_edits edits = copied_edits::are_no_work);

/// `known`, with the drivers that were noted for a worktree, whose gits would run them: for those who must
/// not run any.
filter_drivers with_noted(filter_drivers known, const std::filesystem::path& record);

/// Where the text of info/attributes was noted, for a message.
std::filesystem::path noted_attributes(const std::filesystem::path& record);

} // namespace graftline::git
