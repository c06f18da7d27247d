/// Locks whose git is dead: files that nobody will ever remove, and that stop every git after it.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace graftline::git {

class repository;

/// Removes locks that are known to be ours, of a git that was killed; one that a process still has open
/// stays, and is busy.
result<void> drop_dead_locks(const std::vector<std::filesystem::path>& locks);

/// Removes the locks that gits left in a worktree of ours, and on its branch (its short name, may be empty;
/// also when the worktree is gone), when they were killed: on a crash of the whole machine, or by an agent
/// that lost its patience. Git does not write into a lock whose it is. So it is dead when no git works in the
/// worktree and the lock has been the same for 3 s: programs that are not called git hold theirs for a moment
/// only. Another user's git, which does not show where it works, counts when the lock is that user's. All are
/// waited for, up to 9 s; a lock that may be alive still is left, and no error. Usually there
/// is no lock: then this reads two small folders. Errors: the system's. Cancellation: terminal. Lifetime:
/// borrows `repo`.
awaitable<result<void>> drop_locks_left_in(repository& repo, std::filesystem::path worktree,
                                           std::string branch);

/// Removes locks of git's that are older than this boot of the machine: whoever held them is dead. Looked at
/// are the git folders of the repository and of its worktrees with their refs, at the top only unless
/// `everywhere`: for after a power cut, also of the disk alone. Then a younger lock goes too when it has been
/// the same for 3 s, no process has it open and no git works in any worktree. What cannot be removed stays:
/// git names it. Result: those that were removed. Blocks.
std::vector<std::filesystem::path> drop_locks_of_earlier_boots(const repository& repo, bool everywhere);

/// Removes the lock of the file of packed refs when it has been the same for a minute, no process has it open
/// and no git works in any worktree: a killed git left it, and no branch can be deleted because of it. No git
/// holds it for more than a moment. Blocks for a few milliseconds where there is one.
void drop_dead_packed_refs_lock(const repository& repo);

} // namespace graftline::git
