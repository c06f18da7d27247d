/// One git repository: where it is, what it is, and how git is asked about it.
#pragma once

#include "graftline/git/repository/capability.hpp"
#include "graftline/git/repository/durability.hpp"
#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"
#include "graftline/runtime/base/services.hpp"
#include "graftline/runtime/files/disk_flush.hpp"
#include "graftline/runtime/files/repository_lock.hpp"
#include "graftline/runtime/process/command.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace graftline::git {

/// Long: checkouts of large repositories through slow filters come to their end in it.
inline constexpr std::chrono::milliseconds default_git_time = std::chrono::minutes(10);

class libgit2_lane;

/// A repository that was found and is usable. Shared by all who work on it; used from one strand.
/// Coroutines that take a `repository&` borrow it until they end.
class repository {
public:
    /// Finds the repository that `start` belongs to: main or linked worktree, any folder below one, bare,
    /// GIT_DIR honoured. Errors: unusable (no git, git too old, no repository, not trusted), unsupported
    /// (what this git cannot do). Cancellation: terminal; nothing is left behind.
    static awaitable<result<std::shared_ptr<repository>>> discover(std::filesystem::path start);

    repository(const repository&) = delete;
    repository& operator=(const repository&) = delete;
    ~repository();

    /// The git folder of the worktree that we were started in.
    const std::filesystem::path& git_dir() const noexcept { return git_dir_; }
    /// The git folder that all worktrees share.
    const std::filesystem::path& common_dir() const noexcept { return common_dir_; }
    /// The top of the main work tree; nullopt in a bare repository, and where git does not know it: its
    /// folder lies apart from it, and we were started elsewhere.
    const std::optional<std::filesystem::path>& main_work_tree() const noexcept { return main_work_tree_; }
    /// The top of the work tree that we were started in; nullopt when started in none.
    const std::optional<std::filesystem::path>& here() const noexcept { return here_; }
    bool is_bare() const noexcept { return can_.bare; }
    /// The folder's name without `.git`: what `{repo}` stands for.
    std::string name() const;
    /// Where our own state lives: never inside a work tree.
    std::filesystem::path state_folder() const { return common_dir_ / "graftline"; }

    const capability& can() const noexcept { return can_; }
    /// The loop that it is used on.
    const asio::any_io_executor& executor() const noexcept { return executor_; }
    /// Held while worktree metadata changes, by all our processes in turn.
    repository_lock& lock();
    /// What landings outlive from now on; `process` at first. Not while anything runs on the repository.
    void set_durability(durability of_landings);
    durability durable() const noexcept { return durability_; }
    /// How long one git of ours may take from now on, the user's hooks, filters, drivers and signers in it
    /// included: `default_git_time` at first. Then it is ended, with all of them.
    void limit_git(std::chrono::milliseconds longest) noexcept { git_time_ = longest; }
    /// With `durability::power`: all that was written so far to the file systems of the repository and of
    /// `worktree` (may be empty, or gone) is on the disk: objects, refs, records of worktrees, files. Those
    /// who wait at the same time share it. Otherwise nothing. Errors: the system's.
    awaitable<result<void>> flush(std::filesystem::path worktree = {});
    /// The same of single files and folders; one that is not there is left out.
    awaitable<result<void>> flush_only(std::vector<std::filesystem::path> files);
    /// With `durability::power`, before the branch moves on from `tip`: what it holds is on the disk, and all
    /// before it. Flushes only for a tip that was not put there by us, and once in a second at most: a branch
    /// that moves every few milliseconds is not there any more when its flush is done. What is put off so is
    /// for `flush_put_off`. Result: true when all has been flushed for it. Errors: the system's.
    awaitable<result<bool>> flush_tip(std::string fullname, oid tip);
    /// The branch has moved. What `flush_tip` has put off is done now: to be awaited before anything else is
    /// flushed or said of the move. Errors: the system's.
    awaitable<result<void>> flush_put_off(std::string fullname);
    /// Has `flush_tip` put something off? What moves the branch then must not flush it before that.
    bool is_put_off(const std::string& fullname) const;
    /// The branch has been brought to `tip`, and that is on the disk.
    void tip_is_on_disk(const std::string& fullname, const oid& tip);
    /// libgit2's handle of this repository, for reading. Ask `may_read_directly` first.
    libgit2_lane& direct();
    /// The same for what is flushed afterwards, with all else: nothing that it writes is flushed by itself.
    libgit2_lane& direct_unflushed();
    /// What the rooms above keep with a repository. Jobs on the pool may share it beyond the repository's
    /// end.
    graftline::services& services() const noexcept { return services_; }

    /// Looks again at what can change under us; a few stat calls.
    bool may_read_directly() const;

    /// `git WORDS...` on this repository, prepared but not run: environment, folder, repository given by
    /// name.
    template <class... W> command git(W&&... words) const
    {
        return prepare(std::vector<std::string>{std::string(std::forward<W>(words))...});
    }
    /// `git WORDS...` inside the work tree at `folder`, and nowhere above it if that is no work tree any
    /// more.
    template <class... W> command git_in(const std::filesystem::path& folder, W&&... words) const
    {
        return prepare_in(folder, std::vector<std::string>{std::string(std::forward<W>(words))...});
    }
    command prepare(std::vector<std::string> words) const;
    /// As `git`, for what is flushed afterwards with all else that git writes.
    template <class... W> command git_unflushed(W&&... words) const
    {
        return prepare(std::vector<std::string>{std::string(std::forward<W>(words))...}, durability::process);
    }
    command prepare_in(const std::filesystem::path& folder, std::vector<std::string> words) const;

    /// Runs `git WORDS...` on this repository. Result: its standard output without the last line's end.
    /// Errors: command_failed with git's own words when it exits with anything but 0.
    template <class... W> awaitable<result<std::string>> ask(W&&... words) const
    {
        return answer(git(std::forward<W>(words)...));
    }
    template <class... W>
    awaitable<result<std::string>> ask_in(const std::filesystem::path& folder, W&&... words) const
    {
        return answer(git_in(folder, std::forward<W>(words)...));
    }

    /// Runs a prepared command, as `ask` does.
    static awaitable<result<std::string>> answer(command prepared);

private:
    repository(asio::any_io_executor executor, std::filesystem::path git_dir,
               std::filesystem::path common_dir);
    void find_main_work_tree();
    command prepare(std::vector<std::string> words, durability of_refs) const;

    asio::any_io_executor executor_;
    std::filesystem::path git_dir_;
    std::filesystem::path common_dir_;
    std::optional<std::filesystem::path> main_work_tree_;
    std::optional<std::filesystem::path> here_;
    capability can_;
    std::unique_ptr<repository_lock> lock_;
    std::unique_ptr<libgit2_lane> direct_;
    std::unique_ptr<libgit2_lane> unflushed_;
    mutable graftline::services services_;
    durability durability_ = durability::process;
    std::chrono::milliseconds git_time_ = default_git_time;
    file_system_flush disk_;
    /// A branch when it was last flushed.
    struct flushed_branch {
        oid tip;
        std::chrono::steady_clock::time_point when;
        bool is_behind = false; ///< we moved it on from a tip that was not flushed
    };
    std::map<std::string, flushed_branch> on_disk_; ///< by full name
};

/// The fault of a git command that ran and failed: git's own words, the command, its exit; timed_out, with
/// the program that it waited for, for one whose time was over.
fault git_failed(const std::vector<std::string>& words, const command_output& output);

} // namespace graftline::git
