/// What git's configuration says about the commits and refs that we make without the git command.
#pragma once

#include "graftline/git/repository/identity.hpp"
#include "graftline/git/repository/rule_settings.hpp"
#include "graftline/git/repository/watched_file.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace graftline::git {

class repository;

/// Git's own answers. Anything unusual is not interpreted here, it only says that git has to do the work.
struct git_settings {
    std::optional<identity> author;    ///< nullopt: git knows none
    std::optional<identity> committer; ///< nullopt: git knows none
    bool plain_commits = false;        ///< neither signed nor in an encoding of their own
    bool plain_files = false;          ///< with the permissions that the process gives them
    bool plain_reflogs = false;        ///< written for the refs for which libgit2 writes them too
    std::filesystem::path hooks;       ///< where git looks for hooks, absolute; empty when only git can tell
    rule_settings rules;               ///< what decides which files are seen, and how they are converted
};

/// `git config --list -z`, with `--show-origin` or without: keys and the values that count, a key without one
/// is true.
setting_values settings_in(const std::vector<std::string>& records, bool with_origins);

/// Asks git once, and again when a file of the configuration has changed.
class known_settings {
public:
    /// The repository's own.
    static known_settings& of(const repository& repo);

    /// A few stat calls, or at first a few git processes. Result: never null. Errors: git's words.
    /// Cancellation: as for a command. Lifetime: borrows `repo` and this; the result is the caller's.
    awaitable<result<std::shared_ptr<const git_settings>>> now(const repository& repo);

private:
    bool is_fresh() const;

    std::shared_ptr<const git_settings> known_;
    std::vector<watched_file> files_;
};

} // namespace graftline::git
