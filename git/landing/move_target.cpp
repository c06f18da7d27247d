#include "graftline/git/landing/move_target.hpp"

#include "graftline/git/landing/kept_files.hpp"
#include "graftline/git/landing/landing_checkout.hpp"
#include "graftline/git/landing/landing_record.hpp"
#include "graftline/git/packs/kept_objects.hpp"
#include "graftline/git/refs/branch_use.hpp"
#include "graftline/git/refs/dead_locks.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/refs/write_ref_direct.hpp"
#include "graftline/git/repository/git_files.hpp"
#include "graftline/git/repository/overdue.hpp"
#include "graftline/git/repository/patience.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/async/shielded.hpp"
#include "graftline/runtime/process/conversation.hpp"
#include "graftline/runtime/process/left_commands.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <set>
#include <variant>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// One landing on its way into one branch.
class landing {
public:
    landing(repository& repo, std::string branch, std::string fullname, oid from, oid to,
            std::string reflog_message)
        : repo(&repo), branch(std::move(branch)), fullname(std::move(fullname)), from(std::move(from)),
          to(std::move(to)), reflog_message(std::move(reflog_message))
    {
    }
    repository* repo;
    std::string branch;
    std::string fullname; ///< of what moves: the branch may be a symbolic ref
    oid from;
    oid to;
    std::string reflog_message;
    std::vector<staged_change> changes; ///< filled for a checkout only
};

/// The ref that moves when this branch (short name) does.
awaitable<std::string> ref_of(const repository& repo, std::string branch)
{
    auto follow = [&] { return followed_ref(repo, "refs/heads/" + branch); };
    co_return co_await offload(std::move(follow));
}

fault not_at(const landing& what, const std::string& where)
{
    return fault(errc::moved, "the branch has moved meanwhile: " + what.branch)
        .with("expected", what.from.hex())
        .with("found", where);
}

awaitable<result<void>> check_tip(landing what)
{
    auto tip = co_await read_ref(*what.repo, what.fullname);
    if (!tip) co_return tip.error();
    if (!*tip) co_return fault(errc::moved, "there is no branch " + what.branch + " any more");
    if (**tip != what.from) co_return not_at(what, (*tip)->hex());
    co_return result<void>();
}

waits wait_for(std::string why, std::vector<std::string> paths = {})
{
    return waits{std::move(why), std::move(paths)};
}

/// For a person: the work tree, or git's folder where git does not know that.
std::string place_of(const branch_use& use)
{
    return (use.work_tree.empty() ? use.git_dir : use.work_tree).string();
}

/// Why the branch cannot move now, judged by who uses it.
std::optional<waits> reason_to_wait(const landing& what, const std::vector<branch_use>& uses)
{
    std::vector<const branch_use*> heads;
    for (const branch_use& use : uses) {
        if (!use.under_way.empty())
            return wait_for("a " + use.under_way + " of " + what.branch + " is under way in " +
                            place_of(use));
        if (use.is_head) heads.push_back(&use);
    }
    if (heads.size() > 1)
        return wait_for(what.branch + " is checked out twice: in " + place_of(*heads[0]) + " and in " +
                        place_of(*heads[1]));
    if (heads.empty()) return std::nullopt;
    const branch_use& use = *heads[0];
    if (use.work_tree.empty())
        return wait_for(what.branch + " is checked out in a folder that git has not noted in " +
                        use.git_dir.string() + "; land from within that folder");
    if (const auto state = half_done_in(use.git_dir))
        return wait_for(*state + " is under way in " + use.work_tree.string());
    std::error_code ignored;
    if (!fs::is_directory(use.work_tree, ignored))
        return wait_for(what.branch + " is checked out in " + use.work_tree.string() +
                        ", which is away; if it is gone for good, `git worktree prune` says so to git");
    return std::nullopt;
}

// ---- the checkout follows

/// What one attempt came to. `again`: git's locks were taken, nothing has changed; or a git of ours was ended
/// from outside, at any point of it. `killed`: by the system, which may let the next one live. `overdue`: by
/// us, because of this.
struct attempt {
    std::optional<result<move_outcome>> end;
    std::string again;
    bool killed = false;
    bool stopped = false;
    std::optional<fault> overdue = std::nullopt;
};

attempt ended(result<move_outcome> how)
{
    return {std::move(how), {}};
}

/// What a hook of the user's said is the reason, not that git ended.
fault not_moved(const landing& what, fault f)
{
    std::optional<std::string> refused;
    for (const auto& [about, value] : f.context())
        if (!refused) refused = refusal_of_hook(value, what.branch);
    if (!refused) return f;
    fault told(errc::command_failed, std::move(*refused));
    for (const auto& [about, value] : f.context())
        told.with(about, value);
    return std::move(told).advise("Nothing has changed. Once the hook allows it, land again.");
}

attempt failed(const landing& what, fault f)
{
    const std::string words = f.message();
    if (says_locked(words)) return {std::nullopt, words};
    if (words.find("but expected") != words.npos) return ended(not_at(what, words));
    return ended(not_moved(what, std::move(f)));
}

/// Says a line to update-ref and hears that it was done.
awaitable<result<void>> tell(conversation& update_ref, std::string text, std::string answer)
{
    auto said = co_await update_ref.say(std::move(text));
    if (!said) co_return said.error();
    auto heard = co_await update_ref.hear_line();
    if (!heard) co_return heard.error();
    if (*heard != answer) co_return fault(errc::command_failed, "git update-ref answered " + *heard);
    co_return result<void>();
}

command following(const landing_checkout& where, const oid& old_commit, const oid& new_commit)
{
    return where.git(
        {"-c", "submodule.recurse=false", "read-tree", "-m", "-u", old_commit.hex(), new_commit.hex()});
}

bool says_in_the_way(const std::string& words)
{
    for (const char* part : {"not uptodate", "would be overwritten", "would lose untracked",
                             "would be removed", "Cannot merge", "would be lost"})
        if (words.find(part) != words.npos) return true;
    return false;
}

/// Git's words for a filter that failed, made into ours.
fault not_followed(const landing_checkout& where, fault why)
{
    constexpr std::string_view key = "smudge filter ";
    const std::string words = why.message();
    const auto named = words.find(key);
    if (named == words.npos) return why;
    const std::string name =
        words.substr(named + key.size(), words.find(" failed", named) - named - key.size());
    fault f(errc::command_failed,
            "the filter " + name + " failed when the checkout was to follow the landing");
    f.with("checkout", where.work_tree().string());
    for (const auto& [about, value] : why.context())
        f.with(about, value);
    return std::move(f).advise("Its files are as they were. See what `git config --get-regexp '^filter\\." +
                               name + "\\.'` says, put it right, then land again.");
}

/// A git that wrote files and index was ended, perhaps in a hook that it runs when all is done.
awaitable<bool> has_followed(const landing_checkout& where, const oid& to,
                             const std::vector<staged_change>& changes)
{
    const auto left = co_await edited_paths(where, to, changes);
    co_return left && left->empty();
}

/// Without its end git could not take its lock of the index away.
result<void> free_index(const landing_checkout& where, const command_output& output)
{
    const auto* by = std::get_if<signaled>(&output.status);
    if (!by || by->signo != SIGKILL) return {};
    return drop_dead_locks({where.git_dir() / "index.lock"});
}

/// Brings files and index to the landing. nullopt: done. With anything else nothing has changed.
awaitable<std::optional<attempt>> follow_files(landing what, landing_checkout where, const kept_files& kept)
{
    for (const bool refreshed : {false, true}) {
        command follow = following(where, what.from, what.to);
        follow.set(purpose_name, what.reflog_message);
        const std::vector<std::string> words = follow.words();
        auto output = co_await run(std::move(follow));
        if (!output) co_return ended(output.error());
        if (output->ok()) co_return std::nullopt;
        if (says_locked(output->err)) co_return attempt{std::nullopt, output->err};
        if (was_killed(*output)) co_return attempt{std::nullopt, "git read-tree was killed", true};
        if (!output->overdue.empty()) {
            if (auto freed = free_index(where, *output); !freed) co_return ended(freed.error());
            if (co_await has_followed(where, what.to, what.changes)) co_return std::nullopt;
        }
        if (!says_in_the_way(output->err)) {
            // A filter of the user's may have failed half way: index and ref are old, so the files must be.
            auto back = co_await put_back(where, what.changes, kept);
            if (!back) co_return ended(back.error());
            co_return ended(not_followed(where, git_failed(words, *output)));
        }
        if (refreshed) break;
        // What looks edited may only have been touched; unrelated edits make this exit with 1.
        auto refresh = co_await run(where.git({"update-index", "-q", "--refresh"}));
        if (!refresh) co_return ended(refresh.error());
    }
    auto paths = co_await edited_paths(where, what.from, what.changes);
    if (!paths) co_return ended(paths.error());
    co_return ended(move_outcome(
        wait_for("the landing changes what is edited in " + where.work_tree().string(), std::move(*paths))));
}

/// The folder that `file` is in, and the one that each new folder above it is in: where names come and go.
void add_folders(const fs::path& file, const fs::path& top, const std::set<fs::path>& missing,
                 std::set<fs::path>& to)
{
    std::error_code ignored;
    fs::path folder = file.parent_path();
    to.insert(folder);
    while (folder != top && folder.has_relative_path() &&
           (missing.contains(folder) || !fs::exists(folder, ignored)))
        to.insert(folder = folder.parent_path());
}

/// The folders above `file` that are not there.
void add_missing(const fs::path& file, const fs::path& top, std::set<fs::path>& to)
{
    std::error_code ignored;
    for (fs::path folder = file.parent_path();
         folder != top && folder.has_relative_path() && !fs::exists(folder, ignored);
         folder = folder.parent_path())
        to.insert(folder);
}

/// Folders that are made when the files follow.
std::set<fs::path> folders_to_be_made(const landing& what, const landing_checkout& where)
{
    std::set<fs::path> missing;
    for (const staged_change& change : what.changes)
        add_missing(where.work_tree() / change.path, where.work_tree(), missing);
    return missing;
}

/// The landed files, their folders and the index's name on the disk: before the ref says that they are there.
/// What the index holds git has flushed. Beyond some number of them the whole file system is cheaper.
awaitable<result<void>> flush_checkout(const landing& what, const landing_checkout& where,
                                       std::set<fs::path> missing)
{
    constexpr std::size_t many = 64;
    if (what.changes.size() > many) co_return co_await what.repo->flush(where.work_tree());
    std::set<fs::path> files{where.git_dir()};
    for (const staged_change& change : what.changes) {
        const fs::path file = where.work_tree() / change.path;
        files.insert(file);
        add_folders(file, where.work_tree(), missing, files);
    }
    co_return co_await what.repo->flush_only(std::vector<fs::path>(files.begin(), files.end()));
}

/// What is to be flushed when the ref has moved, looked up before that: its reflog, and the folders in which
/// names come. What the ref itself holds is on the disk before it has its name.
std::set<fs::path> places_of_move(const landing& what)
{
    const fs::path& top = what.repo->common_dir();
    const fs::path log = top / "logs" / what.fullname;
    std::set<fs::path> places{log};
    add_folders(top / what.fullname, top, {}, places);
    std::error_code ignored;
    if (!fs::exists(log, ignored)) add_folders(log, top, {}, places);
    return places;
}

/// The ref has moved: its name and its reflogs on the disk.
awaitable<result<void>> flush_move(const landing& what, std::set<fs::path> places)
{
    // First what was put off: a ref must not last longer than what it names.
    auto flushed = co_await what.repo->flush_put_off(what.fullname);
    if (flushed)
        flushed = co_await what.repo->flush_only(std::vector<fs::path>(places.begin(), places.end()));
    if (!flushed)
        co_return flushed.error()
            .with("branch", what.branch)
            .with("landed", what.to.hex())
            .advise("The branch has moved, but the disk does not confirm it: look at the disk first.");
    what.repo->tip_is_on_disk(what.fullname, what.to);
    co_return result<void>();
}

/// The state that a landing replaces at each path.
std::map<std::string, std::vector<std::string>> replaced_states(const std::vector<staged_change>& changes)
{
    std::map<std::string, std::vector<std::string>> states;
    for (const staged_change& change : changes)
        states[change.path].push_back(state_of(change.old_mode, change.old_blob));
    return states;
}

/// By what the copies that are kept for a move are known again.
std::string name_of_move(const oid& from, const oid& to, const fs::path& work_tree)
{
    return from.hex() + " " + to.hex() + " " + work_tree.string();
}

/// Brings files and index back from `to`. Index new: it shows as staged and is taken back as a whole. Index
/// old: single files are. Files that did not outlive a power cut, or a filter, keep git from the first. Then
/// the index goes first: what it holds is taken for what the files have to be, here and by the next landing.
awaitable<result<void>> go_back(landing_checkout where, oid to, oid from, std::vector<staged_change> changes,
                                const kept_files& kept)
{
    auto taken_back = co_await run(following(where, to, from));
    if (!taken_back) co_return taken_back.error();
    if (!taken_back->ok())
        if (auto entries = co_await take_entries_back(where, changes); !entries) co_return entries.error();
    co_return co_await put_back(where, std::move(changes), kept);
}

/// Nullopt when no signal ended it.
awaitable<std::optional<attempt>> if_ended_from_outside(conversation& update_ref)
{
    const auto end = co_await update_ref.finish();
    if (!end || !was_ended(*end)) co_return std::nullopt;
    const bool killed = was_killed(*end);
    attempt cut{std::nullopt, killed ? "git update-ref was killed" : "git update-ref was ended", killed,
                !killed};
    if (!end->overdue.empty()) cut.overdue = git_overdue({"git", "update-ref", "--stdin"}, *end);
    co_return cut;
}

/// From taking git's ref locks to the new tip; where it ends before, they are still held.
awaitable<attempt> move_through(landing what, landing_checkout where, conversation& update_ref)
{
    auto begun = co_await tell(update_ref, "start\n", "start: ok");
    if (begun)
        begun = co_await tell(update_ref,
                              "update " + what.fullname + " " + what.to.hex() + " " + what.from.hex() +
                                  "\nprepare\n",
                              "prepare: ok");
    if (!begun) {
        auto outside = co_await if_ended_from_outside(update_ref);
        co_return outside ? std::move(*outside) : failed(what, begun.error());
    }

    // Now nobody can commit here or switch away; what was looked at before may have changed until now.
    auto uses = co_await find_uses_of(*what.repo, what.fullname);
    if (!uses) co_return ended(uses.error());
    if (auto reason = reason_to_wait(what, *uses)) co_return ended(move_outcome(std::move(*reason)));
    if (uses->size() != 1 || uses->front().git_dir != where.git_dir())
        co_return attempt{std::nullopt, "the branch was checked out or left meanwhile"};
    if (auto paths = paths_in_the_way(where, what.changes); !paths.empty())
        co_return ended(move_outcome(wait_for(
            "the landing adds what lies in " + where.work_tree().string() + " already", std::move(paths))));
    auto edits = co_await overlooked_edits(where, what.from, what.changes);
    if (!edits) co_return ended(edits.error());
    if (!edits->empty())
        co_return ended(move_outcome(wait_for(
            "the landing changes what is edited in " + where.work_tree().string(), std::move(*edits))));
    auto recorded = record_landing(*what.repo, recorded_landing(where.git_dir(), what.from, what.to));
    if (!recorded) co_return ended(recorded.error());

    const auto missing = folders_to_be_made(what, where);
    auto places = places_of_move(what);
    places.insert(where.git_dir() / "logs/HEAD");
    const auto kept =
        co_await kept_files::keep(where, what.changes, name_of_move(what.from, what.to, where.work_tree()));
    if (!kept) co_return ended(kept.error());
    auto followed = co_await follow_files(what, where, *kept);
    if (followed) co_return std::move(*followed);
    // A commit that read the index before us may have written it back meanwhile. It will fail at the ref; its
    // index must not stay.
    auto repaired =
        co_await repair_entries(where, what.to.hex(), what.changes, replaced_states(what.changes));
    auto committed = co_await flush_checkout(what, where, missing);
    if (committed) committed = co_await tell(update_ref, "commit\n", "commit: ok");
    if (!committed) {
        if (auto outside = co_await if_ended_from_outside(update_ref)) co_return std::move(*outside);
        fault why = committed.error();
        auto back = co_await go_back(where, what.to, what.from, what.changes, *kept);
        if (!back) why.with("checkout", where.work_tree().string() + " shows the landing as staged");
        co_return ended(not_moved(what, std::move(why)));
    }
    co_await update_ref.finish();
    repaired = co_await repair_entries(where, what.to.hex(), what.changes, replaced_states(what.changes));
    auto flushed = co_await flush_move(what, std::move(places));
    if (!flushed) co_return ended(flushed.error());
    co_return ended(move_outcome(moved{})); // a failed repair is tried again at the next command
}

/// Everything between taking git's ref locks and giving them back. Must not be interrupted.
awaitable<attempt> move_together(landing what, landing_checkout where)
{
    command update = where.git(
        {"-c", "core.filesRefLockTimeout=1000", "update-ref", "-m", what.reflog_message, "--stdin"});
    auto talk = co_await conversation::start(update.set(purpose_name, what.reflog_message));
    if (!talk) co_return ended(talk.error());
    auto made = co_await move_through(what, where, **talk);
    co_await (*talk)->leave();
    co_return made;
}

/// What a person may have to remove when no git is at work at all.
std::string left_locks(const std::vector<fs::path>& locks)
{
    std::string text;
    std::error_code ignored;
    for (const fs::path& lock : locks)
        if (fs::exists(fs::symlink_status(lock, ignored)))
            text += (text.empty() ? "; locked by " : ", ") + lock.string();
    return text;
}

awaitable<result<bool>> set_right(repository& repo, move_intent intent);

awaitable<result<move_outcome>> move_with_checkout(landing what, branch_use use, intent_callback intent)
{
    auto startable = co_await check_tip(what);
    if (!startable) co_return startable.error();
    const landing_checkout where(*what.repo, use.git_dir, use.work_tree);
    auto changes = co_await changes_between(*what.repo, what.from, what.to);
    if (!changes) co_return changes.error();
    what.changes = std::move(*changes);
    std::vector<std::string> followed;
    for (const staged_change& change : what.changes)
        followed.push_back(change.path);
    if (auto safe = check_rules_in_tree(where.work_tree(), followed); !safe) co_return safe.error();
    if (auto paths = paths_in_the_way(where, what.changes); !paths.empty())
        co_return move_outcome(wait_for(
            "the landing adds what lies in " + where.work_tree().string() + " already", std::move(paths)));
    const std::vector<fs::path> locks{what.repo->common_dir() / (what.fullname + ".lock"),
                                      use.git_dir / "HEAD.lock", use.git_dir / "index.lock"};
    const move_intent planned{what.branch, what.from, what.to, use.work_tree, what.changes, locks};
    if (intent) {
        auto noted = co_await intent(planned);
        if (!noted) co_return noted.error();
    }
    asio::steady_timer pause(co_await asio::this_coro::executor);
    for (int tries = 0;; ++tries) {
        attempt made = co_await shielded(move_together(what, where));
        if (made.end) co_return std::move(*made.end);
        if (made.killed || made.stopped) {
            auto landed = co_await shielded(set_right(*what.repo, planned));
            if (!landed) co_return landed.error();
            if (*landed) co_return move_outcome(moved{});
        }
        if (made.overdue) co_return made.overdue->with("branch", what.branch);
        if (made.stopped)
            co_return fault(errc::command_failed, made.again + " before the branch had moved")
                .with("branch", what.branch);
        if (tries == 12)
            co_return move_outcome(
                wait_for("another git command is at work in " + where.work_tree().string() + " (" +
                         made.again.substr(0, made.again.find('\n')) + ")" + left_locks(locks)));
        pause.expires_after(std::chrono::milliseconds(10 + 15 * tries));
        co_await pause.async_wait(use_awaitable);
    }
}

// ---- nobody has it checked out

/// Must not be interrupted: what has moved is said, and looked after.
awaitable<result<move_outcome>> move_and_look(landing what)
{
    auto& repo = *what.repo;
    auto places = places_of_move(what);
    const bool is_put_off = repo.is_put_off(what.fullname);
    const auto direct =
        co_await write_ref_direct(repo, what.fullname, what.to, what.from, what.reflog_message);
    if (!direct) co_return direct.error();
    if (*direct && !is_put_off) { // flushed already
        places.erase(repo.common_dir() / "logs" / what.fullname);
        places.erase((repo.common_dir() / what.fullname).parent_path());
    }
    if (!*direct) {
        auto updated = co_await update_ref(repo, what.fullname, what.to, what.from, what.reflog_message);
        if (!updated) co_return updated.error();
    }
    auto flushed = co_await flush_move(what, std::move(places));
    if (!flushed) co_return flushed.error();
    // Somebody may have checked it out just before: those files are still the old ones. Where they are new
    // already this changes nothing.
    auto uses = co_await find_uses_of(*what.repo, what.fullname);
    if (!uses) co_return move_outcome(moved{});
    for (const branch_use& use : *uses)
        if (use.is_head)
            co_await run(
                following(landing_checkout(*what.repo, use.git_dir, use.work_tree), what.from, what.to));
    co_return move_outcome(moved{});
}

awaitable<result<move_outcome>> move_alone(landing what, intent_callback intent)
{
    if (intent) {
        const move_intent planned{
            what.branch, what.from, what.to, {}, {}, {what.repo->common_dir() / (what.fullname + ".lock")}};
        auto noted = co_await intent(planned);
        if (!noted) co_return noted.error();
    }
    co_return co_await shielded(move_and_look(what));
}

/// The landing contains the tip. Asked when all its commits are in the repository.
awaitable<result<void>> check_forward(landing what)
{
    auto forward = co_await is_ancestor(*what.repo, what.from, what.to);
    if (!forward) co_return forward.error();
    if (!*forward)
        co_return fault(errc::refused, "the landing does not contain the branch's tip")
            .with("branch", what.branch);
    co_return result<void>();
}

awaitable<result<move_outcome>> move_kept(landing what, kept_objects& kept, intent_callback intent)
{
    repository& repo = *what.repo;
    if (what.from == what.to) co_return move_outcome(moved{});
    if (!kept.shows_forward(what.from, what.to)) {
        auto forward = co_await check_forward(what);
        if (!forward) co_return forward.error();
    }
    auto held = co_await repo.lock().acquire();
    if (!held) co_return held.error();
    auto uses = co_await find_uses_of(repo, what.fullname);
    if (!uses) co_return uses.error();
    if (auto reason = reason_to_wait(what, *uses)) co_return move_outcome(std::move(*reason));

    // Before the intent: what it tells of must be there, and what the landing stands on.
    const auto flushed = co_await repo.flush_tip(what.fullname, what.from);
    if (!flushed) co_return flushed.error();
    if (!*flushed)
        if (auto named = co_await kept.flush_names(repo); !named) co_return named.error();
    auto outcome = uses->empty() ? move_alone(what, intent) : move_with_checkout(what, uses->front(), intent);
    auto done = co_await std::move(outcome);
    if (done && std::holds_alternative<moved>(*done)) co_await kept.settle(repo);
    co_return done;
}

/// After a death in the middle of a move. True: the branch has the landing. Under the repository's lock.
awaitable<result<bool>> set_right(repository& repo, move_intent intent)
{
    const auto fullname = co_await ref_of(repo, intent.branch);
    auto tip = co_await read_ref(repo, fullname);
    if (!tip) co_return tip.error();
    bool landed = false;
    if (*tip) {
        auto contains = co_await is_ancestor(repo, intent.to, **tip);
        if (!contains) co_return contains.error();
        landed = *contains;
    }
    auto freed = drop_dead_locks(intent.locks);
    if (!freed) co_return freed.error();
    if (landed || intent.checkout.empty()) co_return landed;

    // The files may be old, new, or some of each; the index tells how far git came.
    auto uses = co_await find_uses_of(repo, fullname);
    if (!uses) co_return uses.error();
    for (const branch_use& use : *uses) {
        if (use.work_tree != intent.checkout || !use.is_head || !*tip || **tip != intent.from) continue;
        const landing_checkout where(repo, use.git_dir, use.work_tree);
        auto kept = kept_files::left_by(repo, name_of_move(intent.from, intent.to, use.work_tree));
        auto back = co_await go_back(where, intent.to, intent.from, intent.paths, kept);
        if (!back) kept.let_be();
        if (!back) co_return back.error();
    }
    co_return false;
}

} // namespace

awaitable<result<move_outcome>> move_target(repository& repo, std::string branch, oid from, oid to,
                                            std::string reflog_message, intent_callback intent,
                                            new_objects made)
{
    auto fullname = co_await ref_of(repo, branch);
    const landing what(repo, std::move(branch), std::move(fullname), std::move(from), std::move(to),
                       std::move(reflog_message));
    // In vain otherwise; all of it is looked at again under the lock.
    auto still_there = co_await check_tip(what);
    if (!still_there) co_return still_there.error();
    if (what.from == what.to) co_return move_outcome(moved{});
    auto uses = co_await find_uses_of(repo, what.fullname);
    if (!uses) co_return uses.error();
    if (auto reason = reason_to_wait(what, *uses)) co_return move_outcome(std::move(*reason));
    auto kept = co_await kept_objects::keep(repo, std::move(made), what.to, what.from);
    if (!kept) co_return kept.error();
    co_return co_await move_kept(what, *kept, std::move(intent));
}

awaitable<result<move_outcome>> move_target(repository& repo, std::string branch, oid from, oid to,
                                            std::string reflog_message, kept_objects& kept,
                                            intent_callback intent)
{
    auto fullname = co_await ref_of(repo, branch);
    const landing what(repo, std::move(branch), std::move(fullname), std::move(from), std::move(to),
                       std::move(reflog_message));
    co_return co_await move_kept(what, kept, std::move(intent));
}

awaitable<result<bool>> recover_move(repository& repo, move_intent intent)
{
    auto held = co_await repo.lock().acquire();
    if (!held) co_return held.error();
    co_return co_await set_right(repo, std::move(intent));
}

awaitable<bool> was_moved_on_from(repository& repo, std::string branch, oid commit)
{
    const auto told =
        co_await repo.ask("log", "-g", "--format=%H", co_await ref_of(repo, std::move(branch)), "--");
    if (!told) co_return false;
    const auto places = records_of(*told, '\n'); // the newest first
    // The newest one alone may be a move that was killed after its entry and before its ref.
    co_return !places.empty() && std::find(places.begin() + 1, places.end(), commit.hex()) != places.end();
}

} // namespace graftline::git
