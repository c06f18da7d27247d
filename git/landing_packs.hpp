/// Packs of ours among git's: kept until a ref reaches them, few at any time.
#pragma once

#include "graftline/runtime/awaitable.hpp"
#include "graftline/runtime/fault.hpp"

#include <cstddef>
#include <filesystem>

namespace graftline::git {

class repository;

/// Those of one repository. Git counts packs, and nags past fifty; so each of ours is listed, as an empty
/// file of its name in the state folder, and when twenty are there they become few. Their names are random: a
/// pack with a name that was there before could be deleted by a `git repack` that began before it came back.
class landing_packs {
public:
    explicit landing_packs(const repository& repo);

    /// Lets go of what a crashed process of ours kept, a long time ago.
    void drop_stale_keeps() const;

    /// Moves a pack (`made`, without extension: .pack, .idx) from where it was made to where git looks for
    /// it; it is kept before git can see it. Result: its place, without extension. Errors: the system's;
    /// nothing stays then.
    result<std::filesystem::path> install(const std::filesystem::path& made) const;

    /// Git may collect the pack as any other from now on, and it is listed.
    void let_go(const std::filesystem::path& pack) const;

    /// When twenty are listed: makes one of the smaller ones among them, so that what has been combined is
    /// not copied again and again, and removes loose copies of what is packed. Never while a `git gc` runs,
    /// and only packs of ours that are still there. A reader that loses a pack under its hands looks for the
    /// object again, git and libgit2 alike. Faults change nothing. Cancellation: terminal; nothing stays.
    /// Lifetime: borrows `repo`.
    awaitable<void> combine(repository& repo) const;

private:
    std::filesystem::path objects_;
    std::filesystem::path list_;
    std::size_t digits_;
};

} // namespace graftline::git
