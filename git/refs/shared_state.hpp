/// What all worktrees of a repository share, at one moment: an agent can leave work in it, and take what is
/// somebody else's out of it.
#pragma once

#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::git {

class repository;

/// An entry of the stash. Git keeps them in the reflog of one ref, which is every worktree's.
struct stash_entry {
    std::string commit;
    std::string message;      ///< "WIP on BRANCH: ...", "On BRANCH: ...", or what a program has put there
    std::int64_t made_at = 0; ///< seconds since 1970
    bool operator==(const stash_entry&) const = default;
};

/// Is that a ref in which somebody may have put their work? Not: what others' repositories have, notes, what
/// each worktree has for itself, the stash, and what is graftline's own.
bool may_hold_work(std::string_view fullname);

struct shared_state {
    std::map<std::string, std::string> refs; ///< those that may hold work, by full name, and what each holds
    std::vector<stash_entry> stash;          ///< oldest first
    std::vector<std::string> worktrees;      ///< the git folders of linked worktrees
    /// How long the reflogs of HEAD are, in bytes, by the git folders of all worktrees: what comes after that
    /// has happened since.
    std::map<std::string, std::uint64_t> heads;
};

/// Looks at all of it: one reading of the refs, a small file, a listing. What cannot be read of the stash or
/// the worktrees is an error: it would be taken for nothing. Cancellation: terminal. Lifetime: borrows
/// `repo`.
awaitable<result<shared_state>> look_at_shared(repository& repo);

/// The stash alone. Blocks for the reading of one file.
result<std::vector<stash_entry>> stash_of(const repository& repo);

/// One line of a reflog.
struct reflog_line {
    std::string before, after; ///< ids
    std::int64_t at = 0;       ///< seconds since 1970
    std::string message;
};
/// Those of a reflog's text, oldest first; lines that are none are left out.
std::vector<reflog_line> reflog_lines(std::string_view text);

/// For a file: a state as text, and read again. What is no such text reads as nothing.
std::string text_of_state(const shared_state& state);
shared_state state_in_text(std::string_view text);

} // namespace graftline::git
