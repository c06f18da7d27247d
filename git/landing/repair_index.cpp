#include "graftline/git/landing/landing_checkout.hpp"
#include "graftline/git/landing/landing_record.hpp"
#include "graftline/git/landing/move_target.hpp"
#include "graftline/git/refs/dead_locks.hpp"
#include "graftline/git/refs/write_ref_direct.hpp"
#include "graftline/git/repository/failure_words.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/state_folder.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/worktree/worktree.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <map>
#include <set>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// A `git commit` that was inside git's race when a landing came has written its index long before this
/// passes.
constexpr std::int64_t race_is_over_after = 60;

std::int64_t seconds_now()
{
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

/// Looks at all landings that one checkout followed: the newest state of each path counts, all older ones are
/// old.
awaitable<result<std::size_t>> repair_checkout(repository& repo, fs::path git_dir,
                                               std::vector<recorded_landing> landings)
{
    const std::optional<fs::path> top = work_tree_of(repo, git_dir);
    if (!top || !fs::exists(git_dir / "index") || !fs::is_directory(*top)) co_return std::size_t{0};
    std::map<std::string, staged_change> newest;
    std::map<std::string, std::vector<std::string>> old;
    std::vector<commit_pair> pairs;
    for (const recorded_landing& landed : landings)
        pairs.emplace_back(landed.from, landed.to);
    auto changes = co_await changes_between_each(repo, std::move(pairs));
    if (!changes) co_return changes.error();
    for (staged_change& change : *changes) {
        old[change.path].push_back(state_of(change.old_mode, change.old_blob));
        newest.insert_or_assign(change.path, std::move(change));
    }
    std::vector<staged_change> landed;
    for (auto& [path, change] : newest)
        landed.push_back(std::move(change));
    co_return co_await repair_entries(landing_checkout(repo, git_dir, *top), "HEAD", std::move(landed),
                                      std::move(old));
}

} // namespace

awaitable<result<std::size_t>> repair_index(repository& repo)
{
    drop_abandoned_ref_locks(repo);
    complete_worktree_records(repo);
    drop_dead_packed_refs_lock(repo);
    std::error_code ignored;
    if (!fs::exists(landing_record_file(repo), ignored)) co_return std::size_t{0};
    auto held = co_await repo.lock().acquire();
    if (!held) co_return held.error();
    const std::int64_t now = seconds_now();
    std::map<fs::path, std::vector<recorded_landing>> by_checkout;
    std::vector<recorded_landing> young;
    bool some_are_old = false;
    for (recorded_landing& landed : recorded_landings(repo)) {
        if (now - landed.at < race_is_over_after)
            young.push_back(landed);
        else
            some_are_old = true;
        by_checkout[landed.git_dir].push_back(std::move(landed));
    }
    std::size_t count = 0;
    for (auto& [git_dir, landings] : by_checkout) {
        auto repaired = co_await repair_checkout(repo, git_dir, std::move(landings));
        // A commit that is gone is for whoever works on it to say, not for every command.
        if (!repaired && says_damaged(repaired.error().message())) continue;
        if (!repaired) co_return repaired.error();
        count += *repaired;
    }
    // Only then: whoever watches the record would look again for nothing.
    auto kept = some_are_old ? keep_landings(repo, young) : result<void>();
    if (!kept) co_return kept.error();
    co_return count;
}

namespace {

/// Tells when the index of a checkout that followed a landing is replaced.
class index_watch {
public:
    explicit index_watch(asio::any_io_executor executor) : events_(executor)
    {
        const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (fd >= 0) events_.assign(fd);
    }
    bool works() const { return events_.is_open(); }
    /// Folders that are watched already are left as they are.
    void add(const fs::path& folder)
    {
        if (watched_.insert(folder).second)
            ::inotify_add_watch(events_.native_handle(), folder.c_str(), IN_MOVED_TO);
    }
    /// Waits until "index" or the record of landings was replaced in a watched folder.
    awaitable<bool> next()
    {
        for (;;) {
            boost::system::error_code failed;
            const std::size_t size = co_await events_.async_read_some(
                asio::buffer(buffer_), asio::redirect_error(use_awaitable, failed));
            if (failed == asio::error::operation_aborted) throw boost::system::system_error(failed);
            if (failed) co_return false;
            if (concerns_us(size)) co_return true;
        }
    }

private:
    bool concerns_us(std::size_t size) const
    {
        for (std::size_t at = 0; at + sizeof(inotify_event) <= size;) {
            inotify_event event;
            std::memcpy(&event, buffer_.data() + at, sizeof event);
            const char* name = buffer_.data() + at + sizeof event;
            if (event.mask & IN_Q_OVERFLOW) return true;
            if (event.len && (std::strcmp(name, "index") == 0 || std::strcmp(name, "landed") == 0))
                return true;
            at += sizeof event + event.len;
        }
        return false;
    }

    asio::posix::stream_descriptor events_;
    std::set<fs::path> watched_;
    std::array<char, 16384> buffer_{};
};

} // namespace

awaitable<void> keep_index(repository& repo)
{
    index_watch watch(co_await asio::this_coro::executor);
    if (!watch.works()) co_return; // the check at each command remains
    make_state_folder(repo.state_folder());
    watch.add(repo.state_folder());
    do {
        for (const recorded_landing& landed : recorded_landings(repo))
            watch.add(landed.git_dir);
        co_await repair_index(repo);
    } while (co_await watch.next());
}

} // namespace graftline::git
