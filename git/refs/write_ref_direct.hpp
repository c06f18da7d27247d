/// Moving and deleting refs through libgit2. `refs.hpp` decides when that may be done.
#pragma once

#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <string>

namespace graftline::git {

class repository;

/// Says which lock of a ref this process is about to take: killed in between it leaves the ref locked for
/// ever, and only this tells whose lock it was. A small file in the state folder, locked while its writer
/// lives. Used by one thread at a time.
class ref_lock_note {
public:
    explicit ref_lock_note(std::filesystem::path state_folder);
    ref_lock_note(const ref_lock_note&) = delete;
    ref_lock_note& operator=(const ref_lock_note&) = delete;
    ~ref_lock_note();

    /// Who takes the lock.
    enum class taker { ourselves, a_git_of_ours };
    /// `lock`: below the repository's common folder. `to`: what is written into it, if anything is. False
    /// when it cannot be written.
    bool write(const std::filesystem::path& lock, const oid& to, taker who = taker::ourselves);
    void clear();

private:
    bool open();

    std::filesystem::path folder_;
    std::string name_;
    descriptor file_;
};

/// Moves the branch or other plain ref `fullname` from `expected` (null: it must not exist) to `to`, with an
/// entry in its reflog, under git's own lock of the ref. Result: false when git has to do it, and nothing has
/// changed: a hook watches refs, the ref is symbolic, another ref is in the way, somebody holds the lock.
/// Errors: moved, when it holds something else. Cancellation: the job on the pool ends first. Lifetime:
/// borrows `repo`.
awaitable<result<bool>> write_ref_direct(repository& repo, std::string fullname, oid to, oid expected,
                                         std::string reflog_message);

/// Deletes the plain ref `fullname`, which holds `expected`, with its reflog, in the same way. Result: false
/// when git has to do it, and nothing has changed: also when the ref is packed. Errors: moved, when it holds
/// something else.
awaitable<result<bool>> delete_ref_direct(repository& repo, std::string fullname, oid expected);

/// Removes the lock of a ref that a git of ours, which has ended, took to write `to` (null: to delete the
/// ref). One that holds something else is somebody else's and stays, as does one that a process has open.
void drop_ref_lock(const repository& repo, const std::string& fullname, const oid& to);

/// Removes the locks of refs that processes of ours, or their gits, left when they were killed in the middle
/// of a change. A git that has outlived its graftline keeps its lock until it is ended. Reads one small
/// folder, which is empty usually.
void drop_abandoned_ref_locks(const repository& repo);

} // namespace graftline::git
