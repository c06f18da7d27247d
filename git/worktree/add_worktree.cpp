#include "graftline/git/commits/submodules.hpp"
#include "graftline/git/naming/naming.hpp"
#include "graftline/git/refs/own_worktree.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/git_files.hpp"
#include "graftline/git/repository/patience.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/rules/noted_rules.hpp"
#include "graftline/git/worktree/checkout_slots.hpp"
#include "graftline/git/worktree/drop_worktree.hpp"
#include "graftline/git/worktree/made_folders.hpp"
#include "graftline/git/worktree/worktree.hpp"
#include "graftline/runtime/async/shielded.hpp"

#include <boost/asio/this_coro.hpp>

#include <exception>
#include <string_view>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// What a request has made so far, and so what is taken back when it fails.
struct made_so_far {
    bool parents = false;  ///< perhaps
    bool branch = false;   ///< perhaps: at the request's base, if at all
    bool worktree = false; ///< perhaps: at the request's path, which was free, if at all
    bool folder_was_there = false;
};

bool says(const command_output& output, std::string_view part)
{
    return output.err.find(part) != std::string::npos;
}

fault branch_exists(const std::string& branch)
{
    return fault(errc::exists, "the branch exists already: " + branch)
        .advise("Take another name, or see what it holds: git log " + branch);
}

awaitable<result<void>> make_branch(repository& repo, const worktree_request& request, made_so_far& made)
{
    if (request.branch.empty()) co_return result<void>();
    const std::string ref = "refs/heads/" + request.branch;
    if (request.existing_branch) {
        auto tip = co_await read_ref(repo, ref);
        if (!tip) co_return tip.error();
        if (!*tip) co_return fault(errc::not_found, "there is no branch " + request.branch);
        if (**tip != request.base)
            co_return fault(errc::moved, "the branch holds something else by now: " + request.branch);
        co_return result<void>();
    }
    auto taken = co_await read_ref(repo, ref);
    if (!taken) co_return taken.error();
    if (*taken) co_return branch_exists(request.branch);
    made.branch = true;
    auto created =
        co_await update_ref(repo, ref, request.base, oid(), "branch: Created from " + request.base.hex());
    if (!created) made.branch = false;
    if (!created && created.error().is(errc::moved)) co_return branch_exists(request.branch);
    co_return created;
}

/// What git's refusal means.
awaitable<fault> why_not_added(repository& repo, const worktree_request& request, fault refusal,
                               bool is_checked_out)
{
    if (!is_checked_out) co_return refusal;
    std::string holder;
    auto entries = co_await list_worktrees(repo);
    if (entries)
        for (const worktree_entry& entry : *entries)
            if (entry.branch == "refs/heads/" + request.branch) holder = entry.path.string();
    fault f(errc::busy, "the branch " + request.branch + " is already checked out" +
                            (holder.empty() ? "" : " at " + holder));
    for (const auto& [key, value] : refusal.context())
        f.with(key, value);
    co_return f;
}

/// By what it is known again, and the rules that count in it.
awaitable<result<void>> note_in_record(repository& repo, const worktree_request& request)
{
    const auto record = git_dir_of(repo, request.path);
    if (!record) co_return record.error();
    if (!*record)
        co_return fault(errc::not_found, "git has no record of a new worktree")
            .with("folder", request.path.string());
    auto marked = mark_own_worktree(**record, request.path, request.lock_reason);
    if (!marked) co_return marked;
    co_return co_await note_rules(repo, **record, request.path);
}

awaitable<result<void>> register_worktree(repository& repo, const worktree_request& request,
                                          made_so_far& made)
{
    auto prepared = repo.git_unflushed("worktree", "add", "--no-checkout");
    if (!request.lock_reason.empty()) prepared.args("--lock", "--reason", request.lock_reason);
    if (request.branch.empty())
        prepared.args("--detach", "--", request.path.string(), request.base.hex());
    else
        prepared.args("--", request.path.string(), request.branch);
    made.worktree = true;
    auto output = co_await run_patiently(prepared);
    if (!output) co_return output.error();
    if (output->ok() && request.lock_reason.empty()) co_return result<void>();
    if (output->ok()) co_return co_await note_in_record(repo, request);
    fault refusal = git_failed(prepared.words(), *output);
    if (says(*output, "already registered worktree")) {
        made.worktree = false; // an older one, whose folder is away
        refusal.advise(
            "If that worktree is not needed: git worktree prune, after git worktree unlock if it is locked.");
    }
    const bool is_checked_out =
        says(*output, "already checked out") || says(*output, "already used by worktree");
    co_return co_await why_not_added(repo, request, std::move(refusal), is_checked_out);
}

/// The part that changes what all worktrees share: short, and under the lock.
awaitable<result<void>> make_metadata(repository& repo, const worktree_request& request, made_so_far& made)
{
    auto lease = co_await repo.lock().acquire();
    if (!lease) co_return lease.error();
    std::error_code failed;
    if (fs::exists(fs::symlink_status(request.path, failed))) {
        made.folder_was_there = fs::is_directory(request.path, failed) && fs::is_empty(request.path, failed);
        if (!made.folder_was_there)
            co_return fault(errc::exists, "there is something already at " + request.path.string());
    }
    if (auto safe = check_worktree_records(repo); !safe) co_return safe;
    made.parents = true;
    auto parents = make_parents(repo.state_folder(), request.path);
    if (!parents) co_return parents;
    auto branch = co_await make_branch(repo, request, made);
    if (!branch) co_return branch;
    co_return co_await register_worktree(repo, request, made);
}

/// `worktree add` runs this hook after its own checkout; ours is another command, which does not.
awaitable<result<void>> run_hook(repository& repo, const worktree_request& request)
{
    const std::string& configured = repo.can().hooks_path;
    std::error_code failed;
    if (fs::path(configured).is_absolute() && !fs::exists(fs::path(configured) / "post-checkout", failed))
        co_return result<void>(); // most repositories: a process saved
    auto hook = repo.git_in(request.path, "hook", "run", "--ignore-missing", "post-checkout", "--",
                            std::string(request.base.hex().size(), '0'), request.base.hex(), "1");
    auto output = co_await run(hook);
    if (!output) co_return output.error();
    if (!output->overdue.empty())
        co_return git_failed(hook.words(), *output).with("worktree", request.path.string());
    if (was_ended(*output)) // from outside: what it is to provide may be half there, or not at all
        co_return fault(errc::command_failed, "the post-checkout hook was ended before it was done")
            .with("worktree", request.path.string());
    // As in git: the hook comes too late to stop anything.
    if (!output->ok() && request.notice)
        request.notice("the post-checkout hook failed: " + git_failed(hook.words(), *output).message());
    co_return result<void>();
}

awaitable<result<void>> populate(repository& repo, const worktree_request& request)
{
    const auto slot = co_await checkout_slots::of(co_await asio::this_coro::executor).acquire();
    // Not `reset --hard`: that locks the branch, and leaves it locked when it is killed at the wrong moment.
    auto files = co_await repo.ask_in(request.path, "read-tree", "-m", "-u", "HEAD");
    if (!files) co_return files.error();
    auto modules = co_await populate_submodules(repo, request.path, request.notice);
    if (!modules) co_return modules;
    co_return co_await run_hook(repo, request);
}

awaitable<result<void>> make(repository& repo, const worktree_request& request, made_so_far& made)
{
    auto metadata = co_await make_metadata(repo, request, made);
    if (!metadata) co_return metadata;
    if (auto files = co_await populate(repo, request); !files || request.lock_reason.empty()) co_return files;
    const auto record = git_dir_of(repo, request.path);
    if (!record) co_return record.error();
    if (!*record) co_return result<void>(); // the hook has taken it away
    co_return co_await note_programs(repo, **record, request.path);
}

/// Does git list a worktree at the request's path that carries our reason? A killed `worktree add` may have
/// left one.
awaitable<bool> is_registered(repository& repo, const worktree_request& request)
{
    auto entries = co_await list_worktrees(repo);
    if (!entries) co_return false;
    for (const worktree_entry& entry : *entries)
        if (!entry.is_main && fs::weakly_canonical(entry.path) == request.path) {
            const bool half_made = entry.locked && entry.lock_reason == "initializing";
            co_return half_made || entry.lock_reason == request.lock_reason;
        }
    co_return false;
}

/// A killed `worktree add --no-checkout` may have left a folder with nothing but its `.git` file, registered
/// nowhere.
void remove_half_made(const fs::path& path)
{
    std::error_code failed;
    const fs::path link = path / ".git";
    const bool only_link = fs::is_regular_file(fs::symlink_status(link, failed)) &&
                           std::distance(fs::directory_iterator(path, failed), fs::directory_iterator()) == 1;
    if (only_link) fs::remove(link, failed);
    fs::remove(path, failed); // only when empty
}

/// Takes back what was made. What cannot be taken back stays: the fault that led here is what counts.
awaitable<void> take_back(repository& repo, const worktree_request& request, made_so_far made)
{
    std::optional<fs::path> dropped;
    {
        auto lease = co_await repo.lock().acquire();
        if (!lease) co_return;
        if (made.worktree && co_await is_registered(repo, request)) {
            auto done = co_await drop_worktree(repo, request.path);
            if (done) dropped = std::move(*done);
        }
        if (made.worktree && !dropped) remove_half_made(request.path);
        if (made.branch) (void)co_await delete_ref(repo, "refs/heads/" + request.branch, request.base);
        std::error_code failed;
        if (made.folder_was_there) fs::create_directory(request.path, failed);
        if (made.parents) remove_made_parents(repo.state_folder(), request.path);
    }
    if (dropped) (void)co_await delete_dropped(repo, std::move(*dropped));
}

} // namespace

awaitable<result<void>> add_worktree(repository& repo, worktree_request request)
{
    // Canonical, because that is how git will name it.
    request.path = fs::weakly_canonical(fs::absolute(request.path));
    if (!request.branch.empty())
        if (auto named = check_branch_name(request.branch); !named) co_return named;
    made_so_far made;
    std::exception_ptr stopped;
    result<void> done;
    try {
        done = co_await make(repo, request, made);
    } catch (...) {
        stopped = std::current_exception();
    }
    if (!stopped && done) co_return done;
    co_await asio::this_coro::throw_if_cancelled(false); // cleaning up is awaited, cancelled or not
    co_await shielded(take_back(repo, request, made));
    co_await asio::this_coro::throw_if_cancelled(true);
    if (stopped) std::rethrow_exception(stopped);
    co_return done;
}

std::string missing_hooks(const repository& repo, const fs::path& worktree)
{
    const std::string& configured = repo.can().hooks_path;
    std::error_code failed;
    if (configured.empty() || fs::path(configured).is_absolute() || configured.starts_with('~') ||
        fs::exists(worktree / configured, failed))
        return {};
    return "core.hooksPath is " + configured + ", which this worktree does not have: no hooks run there";
}

} // namespace graftline::git
