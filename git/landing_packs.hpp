/// Packs of ours among git's: kept until a ref reaches them, few at any time.
#pragma once

#include "graftline/runtime/awaitable.hpp"
#include "graftline/runtime/fault.hpp"

#include <cstddef>
#include <filesystem>
#include <vector>

namespace graftline::git {

class pack_file;
class repository;

/// Those of one repository, known by their names: a beginning of our own, the rest random. (Under a name that
/// was there before, a pack could be deleted by a `git repack` that began before it came back.) Git counts
/// packs, and nags past fifty, so when twenty of ours are there they become few. All but `combine` blocks.
class landing_packs {
public:
    explicit landing_packs(const repository& repo);

    /// Puts a pack where git looks for it, kept before git can see it. Result: its place, without extension.
    /// Errors: the system's; nothing stays then.
    result<std::filesystem::path> install(pack_file& pack) const;
    /// The same of one that git made elsewhere (`made`, without extension: .pack, .idx, perhaps .rev).
    result<std::filesystem::path> install(const std::filesystem::path& made) const;

    /// Git may collect the pack as any other from now on.
    static void let_go(const std::filesystem::path& pack);

    /// Are there twenty? Also lets go of what a crashed process of ours kept, a long time ago.
    bool are_many() const;

    /// Makes one pack of the smaller ones of ours, so that what has been combined is not copied again and
    /// again, and removes their objects' loose copies. Never while a `git gc` runs, and only packs of ours
    /// that nobody keeps. A reader that loses a pack under its hands looks for the object again, git and
    /// libgit2 alike. Faults change nothing. Cancellation: terminal; nothing stays. Lifetime: borrows both.
    awaitable<void> combine(repository& repo) const;

private:
    result<std::filesystem::path> begin() const;
    void replace(const std::vector<std::filesystem::path>& packs,
                 const std::filesystem::path& combined) const;

    std::filesystem::path common_dir_;
    std::filesystem::path objects_;
    std::filesystem::path folder_;
    std::size_t id_size_; ///< in bytes
};

} // namespace graftline::git
