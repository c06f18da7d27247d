/// Packs of ours among git's: kept until a ref reaches them, few at any time.
#pragma once

#include "graftline/git/repository/scratch.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

namespace graftline::git {

class pack_file;
class repository;

/// A pack of ours that git does not see yet, in a scratch folder. What has not been installed is gone with
/// the object; what a crash leaves, the next command removes.
class pack_draft {
public:
    /// To be written there; nothing else lies in it.
    explicit pack_draft(scratch_folder home)
        : home_(std::move(home)), pack_(home_->path() / "pack.pack"), index_(home_->path() / "pack.idx")
    {
    }
    pack_draft(std::filesystem::path pack, std::filesystem::path index, std::filesystem::path reverse = {})
        : pack_(std::move(pack)), index_(std::move(index)), reverse_(std::move(reverse))
    {
    }
    pack_draft(pack_draft&& other) noexcept
        : home_(std::exchange(other.home_, std::nullopt)), pack_(std::exchange(other.pack_, {})),
          index_(std::exchange(other.index_, {})), reverse_(std::exchange(other.reverse_, {}))
    {
    }
    pack_draft& operator=(pack_draft&&) = delete;
    ~pack_draft();

    /// What has to be on the disk before it is installed.
    std::vector<std::filesystem::path> files() const { return {pack_, index_}; }

private:
    friend class landing_packs;
    std::optional<scratch_folder> home_; ///< where it is ours alone
    std::filesystem::path pack_;
    std::filesystem::path index_;
    std::filesystem::path reverse_; ///< empty, or perhaps not there
};

/// Those of one repository, known by their names: a beginning of our own, the rest random. (Under a name that
/// was there before, a pack could be deleted by a `git repack` that began before it came back.) Git counts
/// packs, and nags past fifty, so when twenty of ours are there they become few. All but `combine` blocks.
class landing_packs {
public:
    explicit landing_packs(const repository& repo);

    /// Writes a pack down. Errors: the system's; nothing stays then.
    static result<pack_draft> draft(const repository& repo, pack_file& pack);
    /// One that git made elsewhere (`made`, without extension: .pack, .idx, perhaps .rev).
    static pack_draft draft(const std::filesystem::path& made);
    /// Puts a pack where git looks for it, kept before git can see it. It must be on the disk before where a
    /// power cut is to be outlived: half of a pack under its name is a fault of the whole repository. Result:
    /// its place, without extension. Errors: the system's; nothing stays then.
    result<std::filesystem::path> install(pack_draft made) const;
    /// Where the names of packs are on the disk once it is flushed.
    const std::filesystem::path& folder() const noexcept { return folder_; }

    /// Does a file have a name that only packs of ours have?
    static bool is_ours(const std::filesystem::path& file);

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
    result<std::filesystem::path> install_flushed(pack_draft made) const;
    void replace(const std::vector<std::filesystem::path>& packs,
                 const std::filesystem::path& combined) const;

    std::filesystem::path common_dir_;
    std::filesystem::path objects_;
    std::filesystem::path folder_;
    std::size_t id_size_; ///< in bytes
};

} // namespace graftline::git
