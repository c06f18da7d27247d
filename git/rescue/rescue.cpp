#include "graftline/git/rescue/rescue.hpp"

#include "graftline/git/packs/kept_objects.hpp"
#include "graftline/git/refs/own_worktree.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/refs/unreached.hpp"
#include "graftline/git/repository/failure_words.hpp"
#include "graftline/git/repository/path_answers.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/whole_answer.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/rescue/holds_nothing.hpp"
#include "graftline/git/rescue/snapshot.hpp"
#include "graftline/git/rules/ignore_rules.hpp"
#include "graftline/git/rules/noted_rules.hpp"
#include "graftline/git/rules/survey.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// What was saved of a repository inside the worktree, still in that repository's own object store.
struct nested_save {
    std::string label;
    oid commit;
    fs::path objects;
};

/// One rescue while it is put together.
struct assembly {
    const repository& repo;
    std::string task;
    std::vector<nested_save> nested;
    std::set<fs::path> seen; ///< git folders that were looked at
};

// ---- what a place holds

/// A worktree, by what git has on record. Nullopt when it is none of the repository.
result<std::optional<workplace>> place_of(const repository& repo, const fs::path& worktree)
{
    auto git_dir = git_dir_of(repo, worktree);
    if (!git_dir) return git_dir.error();
    if (!*git_dir) return std::optional<workplace>();
    const fs::path top = without_links_above(worktree);
    const auto state = folder_at(top);
    if (!state) return state.error();
    const bool there = *state == folder_state::there; // what took its place is not the task's
    return std::optional<workplace>(std::in_place, **git_dir, there ? std::optional(top) : std::nullopt,
                                    true);
}

awaitable<result<oid>> tree_of_head(const repository& repo, workplace place, std::optional<oid> head)
{
    // Without a commit yet: the empty tree, which is what nothing hashes to.
    command ask = head ? place.git(repo, {"rev-parse", "--verify", head->hex() + "^{tree}"})
                       : place.git(repo, {"hash-object", "-t", "tree", "-w", "--stdin"});
    auto tree = co_await repository::answer(std::move(ask));
    if (!tree) co_return tree.error();
    co_return oid(*tree);
}

std::string message_of(const assembly& made, const workplace& place, const std::string& label,
                       std::size_t first)
{
    std::string text = "Rescue of " + made.task + "\n\n";
    text += "Folder: " + (label.empty() ? place.work_tree.value_or(place.git_dir).string() : label) + "\n";
    for (std::size_t at = first; at < made.nested.size(); ++at)
        text += "Nested: " + std::to_string(at + 1) + " " + made.nested[at].label + "\n";
    return text;
}

awaitable<result<std::optional<oid>>> save_place(assembly& made, workplace place, std::string label);

bool lies_in(const fs::path& path, const fs::path& folder)
{
    std::error_code ignored;
    const fs::path way =
        fs::weakly_canonical(path, ignored).lexically_relative(fs::weakly_canonical(folder, ignored));
    return !way.empty() && *way.begin() != "..";
}

/// The repository in a folder of a place.
struct nested_place {
    workplace place;
    fs::path objects;
    bool is_elsewhere; ///< the folder belongs to a repository that stays: its commits are not ours to save
};

/// What git's words about a repository inside mean. A full disk, or a git that was killed, is none of its
/// faults.
fault does_not_read(fault why, const fs::path& folder)
{
    if (!why.is(errc::command_failed)) return std::move(why).with("nested repository", folder.string());
    fault damaged(errc::refused,
                  "a repository inside the worktree does not read: what it has committed could not be saved");
    for (const auto& [key, words] : why.context())
        if (key == "git says") damaged.with(key, words);
    return std::move(damaged)
        .with("repository", folder.string())
        .advise("Mend it or move it away, then do this again.");
}

awaitable<result<nested_place>> look_at_nested(const repository& repo, workplace outer, fs::path folder)
{
    auto where = co_await repo.ask_in(folder, "rev-parse", "--path-format=absolute", "--git-dir", next_answer,
                                      "--git-common-dir", next_answer, "--git-path", "objects");
    if (!where) co_return does_not_read(where.error(), folder);
    const std::vector<std::string> lines = answers_of(*where);
    if (lines.size() != 3) co_return fault(errc::corrupt, "git does not say where a nested repository is");
    const bool ours = fs::path(lines[1]) == repo.common_dir();
    const bool inside = lies_in(lines[0], *outer.work_tree) || lies_in(lines[0], outer.git_dir);
    workplace place(lines[0], folder, ours);
    place.rules = words_inside(outer.rules); // its own configuration is the task's, too
    place.as_bytes = outer.as_bytes;
    co_return nested_place{std::move(place), lines[2], !ours && !inside};
}

/// What a folder has of a repository that stays when the folder goes: nothing may be uncommitted in it.
awaitable<result<void>> check_committed(const repository& repo, workplace place)
{
    auto status = co_await whole_answer(place.git(repo, {"status", "--porcelain", "--untracked-files=all"}));
    if (!status) co_return status.error();
    if (status->empty()) co_return result<void>();
    co_return fault(errc::refused, "in a worktree of another repository something is not committed")
        .with("folder", place.work_tree->string())
        .with("repository", place.git_dir.string())
        .advise("Commit it there, or move it away.");
}

/// Saves the repository in the folder `path` of `outer`. Result: the commit that stands for it in the outer
/// tree, the null id when there is nothing at all in it.
awaitable<result<gitlink>> save_nested(assembly& made, workplace outer, std::string path, std::string label)
{
    const fs::path folder = *outer.work_tree / path;
    const auto inner = co_await look_at_nested(made.repo, outer, folder);
    if (!inner) co_return inner.error();
    if (inner->is_elsewhere) {
        if (auto stays = co_await check_committed(made.repo, inner->place); !stays) co_return stays.error();
        co_return gitlink(path, oid());
    }
    made.seen.insert(fs::weakly_canonical(inner->place.git_dir));

    auto saved = co_await save_place(made, inner->place, label + path);
    if (!saved) co_return does_not_read(saved.error(), folder);
    if (*saved) {
        made.nested.push_back({label + path, **saved, inner->objects});
        co_return gitlink(path, **saved);
    }
    auto head = co_await head_of(made.repo, inner->place);
    if (!head) co_return head.error();
    co_return gitlink(path, head->value_or(oid()));
}

/// A `.git` that only leads to what is gone, or that has no file in it.
bool is_no_repository(const fs::path& dot_git)
{
    std::error_code failed;
    const auto what = fs::symlink_status(dot_git, failed);
    if (fs::is_symlink(what)) return !fs::exists(dot_git, failed);
    if (fs::is_regular_file(what)) {
        const auto named = named_by_dot_git(dot_git.parent_path());
        return named && !fs::exists(*named, failed);
    }
    for (fs::recursive_directory_iterator at(dot_git, failed), end; !failed && at != end;
         at.increment(failed))
        if (!at->is_directory(failed)) return false;
    return !failed;
}

bool lies_below(const std::string& path, const std::vector<std::string>& folders)
{
    return std::ranges::any_of(folders,
                               [&](const std::string& f) { return path == f || path.starts_with(f + "/"); });
}

/// Saves what repositories have that git does not come across in the place, because they lie in what is
/// ignored or were made around tracked files. Their files are the place's, or ignored: no link stands for
/// them.
awaitable<result<void>> save_hidden(assembly& made, workplace place, survey seen,
                                    std::vector<std::string> known, std::string label)
{
    for (const std::string& path : seen.repositories) { // sorted: what is inside one comes after it
        if (lies_below(path, known)) continue;
        if (is_no_repository(*place.work_tree / path / ".git")) continue;
        known.push_back(path);
        auto saved = co_await save_nested(made, place, path, label);
        if (!saved) co_return saved.error();
    }
    // Of those that are not ignored each file is saved.
    std::erase_if(seen.git_folders, [&](const std::string& path) { return lies_below(path, known); });
    auto ignored = co_await ignored_among(made.repo, place, seen.git_folders);
    if (!ignored) co_return ignored.error();
    for (const std::string& path : *ignored) {
        const fs::path folder = *place.work_tree / path;
        if (!made.seen.insert(fs::weakly_canonical(folder)).second) continue;
        auto saved = co_await save_place(made, workplace(folder, std::nullopt, false), label + path);
        if (!saved) co_return does_not_read(saved.error(), folder);
        if (*saved) made.nested.push_back({label + path, **saved, folder / "objects"});
    }
    co_return result<void>();
}

/// Saves what a place holds as one commit in its own object store. Result: the commit; nullopt when refs that
/// stay reach all of it.
awaitable<result<std::optional<oid>>> save_place(assembly& made, workplace place, std::string label)
{
    const std::size_t nested_before = made.nested.size();
    std::vector<gitlink> links;
    const std::string inside = label.empty() ? label : label + "/";
    auto seen = co_await survey_place(place);
    if (!seen) co_return seen.error();
    if (place.work_tree) {
        if (auto all = co_await check_readable(made.repo, place, seen->unreadable); !all)
            co_return all.error();
        auto paths = co_await nested_in(made.repo, place);
        if (!paths) co_return paths.error();
        for (const std::string& path : *paths) {
            auto link = co_await save_nested(made, place, path, inside);
            if (!link) co_return link.error();
            links.push_back(std::move(*link));
        }
        auto hidden = co_await save_hidden(made, place, std::move(*seen), std::move(*paths), inside);
        if (!hidden) co_return hidden.error();
    }
    auto head = co_await head_of(made.repo, place);
    if (!head) co_return head.error();
    auto head_tree = co_await tree_of_head(made.repo, place, *head);
    if (!head_tree) co_return head_tree.error();
    auto trees = co_await write_trees(made.repo, place, std::move(links), !label.empty());
    if (!trees) co_return trees.error();
    auto tips = co_await unreached_commits(made.repo, place);
    if (!tips) co_return tips.error();

    const bool changed = trees->files != *head_tree;
    const bool staged = trees->staged != trees->files && trees->staged != *head_tree;
    const bool more_nested = made.nested.size() > nested_before;
    if (!changed && !staged && !more_nested) {
        if (tips->empty()) co_return std::optional<oid>();
        if (tips->size() == 1 && *head && tips->front() == **head) co_return *head;
    }
    std::vector<oid> parents;
    if (*head) parents.push_back(**head);
    if (staged) {
        auto index = co_await write_own_commit(made.repo, place, trees->staged, parents, "What was staged\n");
        if (!index) co_return index.error();
        parents.push_back(std::move(*index));
    }
    for (oid& tip : *tips)
        if (!*head || tip != **head) parents.push_back(std::move(tip));
    auto commit = co_await write_own_commit(made.repo, place, trees->files, std::move(parents),
                                            message_of(made, place, label, nested_before));
    if (!commit) co_return commit.error();
    co_return std::optional<oid>(std::move(*commit));
}

/// Submodules keep their commits below the worktree's git folder, also those whose folders are gone.
awaitable<result<void>> save_modules(assembly& made, fs::path modules, std::string label)
{
    std::error_code failed;
    if (!fs::is_directory(modules, failed)) co_return result<void>();
    std::vector<fs::path> folders;
    for (const auto& entry : fs::directory_iterator(modules, failed))
        if (entry.is_directory()) folders.push_back(entry.path());
    if (failed) co_return system_fault(failed.value(), "cannot list " + modules.string());
    std::sort(folders.begin(), folders.end());
    for (const fs::path& folder : folders) {
        const std::string name = label + folder.filename().string();
        const bool repository_here = fs::exists(folder / "HEAD") && fs::is_directory(folder / "objects");
        if (repository_here && made.seen.insert(fs::weakly_canonical(folder)).second) {
            auto saved = co_await save_place(made, workplace(folder, std::nullopt, false), name);
            if (!saved) co_return saved.error().with("submodule", name);
            if (*saved) made.nested.push_back({name, **saved, folder / "objects"});
        }
        // A name with a slash is a folder in a folder; submodules of submodules lie in "modules" again.
        auto deeper = co_await save_modules(made, repository_here ? folder / "modules" : folder, name + "/");
        if (!deeper) co_return deeper;
    }
    co_return result<void>();
}

// ---- refs

/// A task's id as a part of a ref's name.
std::string ref_part(std::string task)
{
    const auto allowed = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; };
    std::replace_if(
        task.begin(), task.end(), [&](char c) { return !allowed(static_cast<unsigned char>(c)); }, '-');
    return task.empty() ? "task" : task;
}

/// The number of the newest rescue below `prefix`, 0 when there is none. "<prefix>3.nested/1" counts as 3.
awaitable<result<unsigned long>> newest_rescue(repository& repo, std::string prefix)
{
    auto names = co_await repo.ask("for-each-ref", "--format=%(refname)", prefix);
    if (!names) co_return names.error();
    unsigned long newest = 0;
    for (const std::string& name : records_of(*names, '\n'))
        if (name.starts_with(prefix))
            newest = std::max(newest, std::strtoul(name.c_str() + prefix.size(), nullptr, 10));
    co_return newest;
}

/// Does the newest rescue hold the same already? A run that was killed between saving and removing saves
/// again.
awaitable<result<bool>> is_same_rescue(repository& repo, std::string ref, oid commit)
{
    auto old = co_await repo.ask("log", "-1", "--format=%T %P", ref, "--");
    if (!old) co_return old.error();
    auto fresh = co_await repo.ask("log", "-1", "--format=%T %P", commit.hex(), "--");
    if (!fresh) co_return fresh.error();
    const std::vector<std::string> had = records_of(*old, ' ');
    const std::vector<std::string> has = records_of(*fresh, ' ');
    // What the old one reached is no unreached tip any more, so it may have more parents; what was staged is
    // compared by the caller's making: its commit has a date.
    // Commits that the old one reached are no unreached tips any more: it may have more parents than the new
    // one. A new one with more than HEAD for a parent has something that the old one cannot have.
    const bool same = had[0] == has[0] && has.size() <= 2 && had.size() >= has.size() &&
                      std::equal(has.begin(), has.end(), had.begin());
    co_return same;
}

/// Makes a ref that must not exist to a commit that nothing reaches yet and that may lie in another
/// repository.
awaitable<result<void>> make_rescue_ref(repository& repo, std::string ref, oid commit, fs::path source = {})
{
    // What is not to be packed again.
    auto known = co_await readable_tips([&repo] { return repo.git(); }, {"refs/", {}});
    if (!known) co_return known.error();
    auto kept = co_await kept_objects::keep(repo, std::vector<std::string>(1, commit.hex()), *known, source);
    // Some of it is gone for good. What is there lies in the repository, where the ref keeps it.
    const bool has_gaps = !kept && source.empty() && says_damaged(kept.error().message());
    if (!kept && !has_gaps) co_return kept.error();
    if (kept)
        if (auto named = co_await kept->flush_names(repo); !named) co_return named;
    auto made = co_await update_ref(repo, ref, commit, oid(std::string(commit.hex().size(), '0')),
                                    "graftline: rescue");
    if (made && kept) co_await kept->settle(repo);
    co_return made;
}

awaitable<result<std::string>> publish(repository& repo, std::string prefix, oid commit,
                                       std::vector<nested_save> nested)
{
    auto newest = co_await newest_rescue(repo, prefix);
    if (!newest) co_return newest.error();
    for (unsigned long n = *newest + 1; n < *newest + 20; ++n) {
        const std::string ref = prefix + std::to_string(n);
        result<void> made;
        for (std::size_t at = 0; at < nested.size() && made; ++at)
            made = co_await make_rescue_ref(repo, ref + ".nested/" + std::to_string(at + 1),
                                            nested[at].commit, nested[at].objects);
        if (made) made = co_await make_rescue_ref(repo, ref, commit);
        if (made) co_return ref;
        // Another process made this one meanwhile: a rescue is never overwritten.
        if (!made.error().is(errc::moved)) co_return made.error();
    }
    co_return fault(errc::busy, "no number is free for a rescue").with("below", prefix);
}

/// Everything that is in a worktree and its git folder. Result: nullopt when there was nothing to save.
awaitable<result<std::optional<oid>>> save_worktree(assembly& made, workplace place)
{
    const bool is_linked = place.git_dir != made.repo.common_dir();
    // A task may have made the folder a repository of its own: its commits are saved as a nested one's.
    std::error_code failed;
    if (is_linked && place.work_tree &&
        fs::is_directory(fs::symlink_status(*place.work_tree / ".git", failed))) {
        auto own = co_await save_nested(made, place, ".", "");
        if (!own) co_return own.error();
    }
    auto commit = co_await save_place(made, place, "");
    if (!commit) co_return commit.error();
    if (is_linked) { // those of the main worktree stay where they are
        auto modules = co_await save_modules(made, place.git_dir / "modules", "modules/");
        if (!modules) co_return modules.error();
    }
    if (*commit || made.nested.empty()) co_return std::move(*commit);

    // Only submodules had something: HEAD stands for the worktree.
    auto head = co_await head_of(made.repo, place);
    if (!head) co_return head.error();
    auto tree = co_await tree_of_head(made.repo, place, *head);
    if (!tree) co_return tree.error();
    std::vector<oid> parents;
    if (*head) parents.push_back(**head);
    auto written = co_await write_own_commit(made.repo, place, *tree, std::move(parents),
                                             message_of(made, place, "", 0));
    if (!written) co_return written.error();
    co_return std::optional<oid>(*written);
}

/// The rescue is on the disk, folders and all: only then may what it was made of go.
awaitable<result<std::optional<std::string>>> safe_at(repository& repo, std::string ref)
{
    auto flushed = co_await repo.flush();
    if (!flushed) co_return flushed.error().with("rescue", ref);
    co_return std::optional<std::string>(std::move(ref));
}

} // namespace

awaitable<result<std::optional<std::string>>> rescue(repository& repo, fs::path worktree, std::string task_id)
{
    auto place = place_of(repo, worktree);
    if (!place) co_return place.error();
    if (!*place) {
        const auto state = folder_at(worktree);
        if (!state) co_return state.error();
        if (*state == folder_state::away) co_return std::optional<std::string>();
        co_return fault(errc::refused, "this folder is not a worktree of the repository; it was left alone")
            .with("folder", worktree.string());
    }
    if (co_await holds_nothing(repo, **place)) co_return std::optional<std::string>();
    if (auto rules = co_await hold_rules(repo, **place, copied_edits::are_kept); !rules)
        co_return rules.error();
    assembly made{repo, task_id, {}, {}};
    auto commit = co_await save_worktree(made, **place);
    if (!commit) co_return commit.error().with("worktree", worktree.string());
    if (!*commit) co_return std::optional<std::string>();

    const std::string prefix = "refs/graftline/rescue/" + ref_part(task_id) + "/";
    auto newest = co_await newest_rescue(repo, prefix);
    if (!newest) co_return newest.error();
    if (made.nested.empty() && *newest > 0) {
        const std::string last = prefix + std::to_string(*newest);
        auto same = co_await is_same_rescue(repo, last, **commit);
        if (same && *same) co_return co_await safe_at(repo, last);
    }
    auto ref = co_await publish(repo, prefix, **commit, made.nested);
    if (!ref) co_return ref.error();
    co_return co_await safe_at(repo, std::move(*ref));
}

awaitable<result<std::optional<std::string>>> rescue_commit(repository& repo, oid commit, std::string task_id,
                                                            std::string except)
{
    counted_refs stay{"refs/", {"refs/bisect/", "refs/worktree/", "refs/rewritten/"}};
    if (!except.empty()) stay.without.push_back(std::move(except));
    auto unreached =
        co_await walk_beside_refs([&repo] { return repo.git(); }, {"-1"}, {commit.hex()}, std::move(stay));
    if (!unreached) co_return unreached.error();
    if (unreached->empty()) co_return std::optional<std::string>();
    auto ref = co_await publish(repo, "refs/graftline/rescue/" + ref_part(task_id) + "/", commit, {});
    if (!ref) co_return ref.error();
    co_return co_await safe_at(repo, std::move(*ref));
}

} // namespace graftline::git
