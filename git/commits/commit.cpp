#include "graftline/git/commits/commit.hpp"

#include "graftline/git/commits/staged.hpp"
#include "graftline/git/commits/submodules.hpp"
#include "graftline/git/repository/path_answers.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/rules/blind_spots.hpp"
#include "graftline/git/rules/ignore_rules.hpp"
#include "graftline/git/rules/noted_rules.hpp"
#include "graftline/git/rules/survey.hpp"
#include "graftline/runtime/async/offload.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// Where git keeps what belongs to one worktree.
struct worktree_files {
    fs::path git_dir;
    fs::path index;
};

/// Settings of the worktree's own can make git work elsewhere, or nowhere.
fault works_elsewhere(const repository& repo, const fs::path& worktree, const std::string& where)
{
    fault f(errc::refused, "git's settings for this worktree make it work " + where);
    f.with("worktree", worktree.string());
    const auto record = git_dir_of(repo, worktree);
    const std::string file = record && *record ? (**record / "config.worktree").string() : "config.worktree";
    return f.advise("Take core.worktree and core.bare out of " + file + ", then try again.");
}

awaitable<result<worktree_files>> files_of(repository& repo, fs::path worktree)
{
    auto answer = co_await repo.ask_in(worktree, "rev-parse", "--path-format=absolute", "--git-dir",
                                       next_answer, "--git-path", "index", next_answer, "--show-toplevel");
    if (!answer) {
        const auto bare = co_await repo.ask_in(worktree, "rev-parse", "--is-bare-repository");
        if (bare && *bare == "true") co_return works_elsewhere(repo, worktree, "as in a bare repository");
        co_return answer.error().with("worktree", worktree.string());
    }
    const std::vector<std::string> lines = answers_of(*answer);
    if (lines.size() != 3)
        co_return fault(errc::corrupt, "git does not say where the index of a worktree is");
    const std::string& top = lines[2];
    std::error_code failed;
    if (!fs::equivalent(top, worktree, failed)) co_return works_elsewhere(repo, worktree, "in " + top);
    co_return worktree_files{lines[0], lines[1]};
}

/// The id of a file without contents.
std::string_view empty_blob(const oid& like)
{
    return like.hex().size() == 40 ? "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
                                   : "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813";
}

fault refusal(std::string what, const fs::path& worktree)
{
    return fault(errc::refused, std::move(what)).with("worktree", worktree.string());
}

/// Committing everything would be wrong in these states.
awaitable<result<void>> check_committable(repository& repo, fs::path worktree, worktree_files files)
{
    const workplace place(files.git_dir, worktree, true);
    const auto seen = co_await survey_place(place);
    if (!seen) co_return seen.error();
    if (auto all = co_await check_readable(repo, place, seen->unreadable); !all) co_return all;
    std::error_code failed;
    if (!fs::exists(files.index, failed))
        co_return refusal("the checkout of this worktree was never finished", worktree)
            .advise("Its missing files would be committed as deleted. Make the worktree again.");
    for (const char* state : {"rebase-merge", "rebase-apply"})
        if (fs::exists(files.git_dir / state, failed))
            co_return refusal("a rebase is under way in this worktree", worktree)
                .advise("Finish or abort it there, then try again.");
    auto unmerged = co_await repo.ask_in(worktree, "ls-files", "-u", "-z");
    if (!unmerged) co_return unmerged.error();
    std::set<std::string> paths; // each path has up to three entries, "mode oid stage<TAB>path"
    for (const std::string& entry : records_of(*unmerged))
        paths.insert(entry.substr(entry.find('\t') + 1));
    if (!paths.empty())
        co_return refusal("this worktree has unresolved conflicts", worktree)
            .with("paths", joined({paths.begin(), paths.end()}, '\n'))
            .advise("Resolve them and `git add` them there, then try again.");
    co_return result<void>();
}

/// The paths that .gitmodules of the worktree names as submodules.
awaitable<std::set<std::string>> named_submodules(repository& repo, fs::path worktree)
{
    std::set<std::string> paths;
    std::error_code failed;
    if (!fs::exists(worktree / ".gitmodules", failed)) co_return paths;
    auto lines = co_await repo.ask_in(worktree, "config", "-z", "-f", ".gitmodules", "--get-regexp",
                                      paths_of_submodules);
    if (!lines) co_return paths; // none is named: git says so by its exit
    for (submodule& one : submodules_told(*lines))
        paths.insert(std::move(one.path));
    co_return paths;
}

/// Nested repositories that are about to become links to commits that nobody else has.
awaitable<std::vector<std::string>> unnamed_gitlinks(repository& repo, fs::path worktree,
                                                     std::vector<staged_change> changes)
{
    std::vector<std::string> found;
    for (const staged_change& change : changes)
        if (change.new_mode == "160000" && change.old_mode != "160000") found.push_back(change.path);
    if (found.empty()) co_return found;
    const std::set<std::string> named = co_await named_submodules(repo, worktree);
    std::erase_if(found, [&](const std::string& path) { return named.contains(path); });
    co_return found;
}

/// A git inside the worktree, as its user starts it, by the rules that were noted for it.
command git_by_rules(repository& repo, const workplace& place)
{
    command git = repo.git_in(*place.work_tree, "-c", "advice.addEmbeddedRepo=false");
    for (const std::string& word : place.rules)
        git.add(word);
    return git;
}

/// What says how files are converted may only count as it was noted.
result<void> check_conversions(const workplace& place, const rule_changes& changes)
{
    if (changes.unheld.empty()) return {};
    return refusal("how git converts files has been changed since this worktree was made", *place.work_tree)
        .with("changed", joined(changes.unheld, '\n'))
        .advise("All that lies in the worktree is as it was. Put back what was changed: the text that "
                "info/attributes had is in " +
                noted_attributes(place.git_dir).string() +
                ". If the file is right now, copy it over that one. Then try again.");
}

/// Edits that flags in the index hide from git are work, too.
awaitable<result<void>> show_hidden_edits(repository& repo, workplace place, fs::path index)
{
    if (!co_await offload([index] { return has_blind_spots(index); })) co_return result<void>();
    const auto git = [&](std::vector<std::string> words) {
        command call = git_by_rules(repo, place);
        for (std::string& word : words)
            call.add(std::move(word));
        return call;
    };
    co_return co_await clear_blind_spots(git, *place.work_tree);
}

/// Git's words about a repository inside that has no commit, or does not read, say little.
awaitable<fault> why_not_added(repository& repo, workplace place, fault why)
{
    const auto top = *place.work_tree;
    const auto seen = co_await offload([top] { return survey_folder(top, survey_of::work_tree_as_it_is); });
    if (!seen || !why.is(errc::command_failed)) co_return why;
    auto ignored = co_await ignored_among(repo, place, seen->repositories);
    if (!ignored) co_return why;
    for (const std::string& path : seen->repositories) {
        if (std::ranges::find(*ignored, path) != ignored->end()) continue;
        const auto head = co_await repo.ask_in(top / path, "rev-parse", "--verify", "HEAD^{commit}");
        if (head) continue;
        fault nested = refusal("a repository inside the worktree has no commit, or does not read", top);
        for (const auto& [key, words] : why.context())
            if (key == "git says") nested.with(key, words);
        co_return std::move(nested)
            .with("repository", (top / path).string())
            .advise("It cannot be committed as it is. Delete its .git folder, ignore it, or mend it; then "
                    "try again.");
    }
    co_return why;
}

/// Stages all that lies there, again when some files could not be read that can be made readable.
awaitable<result<void>> add_everything(repository& repo, workplace place)
{
    std::optional<std::vector<std::string>> others;
    if (!place.ignored_by.empty()) {
        auto listed = co_await untracked_in(repo, place);
        if (!listed) co_return listed.error();
        others = std::move(*listed);
    }
    const fs::path& worktree = *place.work_tree;
    const std::function<command()> prepared = [&] { return git_by_rules(repo, place); };
    auto added = co_await stage_all(prepared, {}, others);
    if (!added && co_await offload([&] { return make_files_readable(worktree); }) > 0)
        added = co_await stage_all(prepared, {}, others);
    co_return added;
}

/// Files with contents that became nothing on their way into the object store.
result<void> check_not_emptied(const fs::path& worktree, const std::vector<staged_change>& changes)
{
    std::vector<std::string> emptied;
    for (const staged_change& change : changes) {
        std::error_code gone;
        const fs::path file = worktree / change.path;
        if (change.new_blob.hex() == empty_blob(change.new_blob) &&
            fs::is_regular_file(fs::symlink_status(file, gone)) && fs::file_size(file, gone) > 0 && !gone)
            emptied.push_back(change.path);
    }
    if (emptied.empty()) return {};
    return refusal("a filter of the configuration makes nothing of files with contents", worktree)
        .with("paths", joined(emptied, '\n'))
        .advise("Committed, they would be empty. See what it does: git check-attr filter -- '" +
                emptied.front() + "'");
}

/// A task that merges or rebases moves HEAD's pointer to a submodule, not the submodule: what it was
/// populated with is no change of the task's, and is not staged.
awaitable<result<void>> leave_pointers(repository& repo, fs::path worktree,
                                       std::vector<staged_change>& changes)
{
    std::string entries;
    std::erase_if(changes, [&](const staged_change& change) {
        const bool is_old = change.old_mode == "160000" && change.new_mode == "160000" &&
                            is_as_populated(worktree, change.path, change.new_blob);
        if (is_old) entries += "160000 " + change.old_blob.hex() + "\t" + change.path + '\0';
        return is_old;
    });
    if (entries.empty()) co_return result<void>();
    command update = repo.git_in(worktree, "update-index", "-z", "--index-info");
    update.feed(std::move(entries));
    auto done = co_await repository::answer(std::move(update));
    if (!done) co_return done.error();
    co_return result<void>();
}

/// Stages all that lies there; gives what is staged then. On a fault the index is as it was.
awaitable<result<std::vector<staged_change>>> stage_everything(repository& repo, workplace place,
                                                               fs::path index)
{
    const fs::path worktree = *place.work_tree;
    auto scratch = scratch_folder::make(repo, "index");
    if (!scratch) co_return scratch.error();
    const fs::path saved = scratch->path() / "index";
    auto copied = copy_index_file(index, saved);
    if (!copied) co_return copied.error();

    const auto put_back = [&](fault why) -> fault {
        std::error_code failed;
        fs::rename(saved, index, failed);
        if (failed) return system_fault(failed.value(), "cannot put back " + index.string());
        return why;
    };
    if (auto shown = co_await show_hidden_edits(repo, place, index); !shown)
        co_return put_back(shown.error());
    auto added = co_await add_everything(repo, place);
    if (!added) {
        const fault why = co_await why_not_added(repo, place, added.error());
        // Git has staged the rest when it has only passed something over.
        if (why.is(errc::refused)) co_return put_back(why);
        co_return why;
    }
    auto changes = co_await staged_in(repo, worktree);
    if (!changes) co_return changes.error();
    if (auto left = co_await leave_pointers(repo, worktree, *changes); !left)
        co_return put_back(left.error());
    if (auto whole = check_not_emptied(worktree, *changes); !whole) co_return put_back(whole.error());
    const std::vector<std::string> nested = co_await unnamed_gitlinks(repo, worktree, *changes);
    if (nested.empty()) co_return std::move(*changes);
    co_return put_back(
        refusal("a repository inside the worktree is not one of its submodules", worktree)
            .with("paths", joined(nested, '\n'))
            .advise("Committed as it is, its contents would be missing everywhere else. Delete its .git "
                    "folder, ignore it, or add it with `git submodule add`."));
}

fault explained(fault f)
{
    for (const auto& [key, words] : f.context())
        if (key == "git says" && words.find("Please tell me who you are") != std::string::npos) {
            f.advise("Tell git who you are: git config --global user.name NAME; git config --global "
                     "user.email EMAIL");
            break;
        }
    return f;
}

std::string one_line(std::string text)
{
    std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < ' '; }, ' ');
    const auto last = text.find_last_not_of(' ');
    text.erase(last == text.npos ? 0 : last + 1);
    return text;
}

awaitable<result<std::string>> commit_staged(repository& repo, workplace place, commit_request request)
{
    command commit = git_by_rules(repo, place);
    if (request.who()) {
        for (const char* role : {"GIT_AUTHOR_", "GIT_COMMITTER_"}) {
            commit.set(std::string(role) + "NAME", request.who()->name());
            commit.set(std::string(role) + "EMAIL", request.who()->email());
        }
    }
    commit.args("commit", "-q", "--cleanup=whitespace", "-F", "-");
    commit.feed(request.message());
    co_return co_await repository::answer(std::move(commit));
}

} // namespace

awaitable<result<std::optional<oid>>> commit_everything(repository& repo, fs::path worktree,
                                                        commit_request request)
{
    auto files = co_await files_of(repo, worktree);
    if (!files) co_return files.error();
    auto committable = co_await check_committable(repo, worktree, *files);
    if (!committable) co_return committable.error();
    workplace place(files->git_dir, worktree, true);
    const auto rules = co_await hold_rules(repo, place);
    if (!rules) co_return rules.error();
    if (auto kept = check_conversions(place, *rules); !kept) co_return kept.error();
    for (int tries = 0;; ++tries) {
        auto changes = co_await stage_everything(repo, place, files->index);
        if (!changes) co_return changes.error();
        // A merge that the task left resolved is finished by its commit, even when it changes no file.
        const bool nothing = changes->empty() && !fs::exists(files->git_dir / "MERGE_HEAD");
        if (nothing && tries == 0) co_return std::optional<oid>();
        if (nothing) break;
        auto committed = co_await commit_staged(repo, place, request);
        if (committed) break;
        // A commit of a graftline that was killed may have outlived it, and come while our hooks ran.
        auto left = co_await staged_in(repo, worktree);
        if (!left || !left->empty() || tries == 3)
            co_return explained(committed.error()).with("worktree", worktree.string());
    }
    auto head = co_await repo.ask_in(worktree, "rev-parse", "--verify", "HEAD^{commit}");
    if (!head) co_return head.error();
    co_return oid(*head);
}

awaitable<result<std::vector<std::string>>> changed_paths(repository& repo, oid from, oid to)
{
    auto output = co_await repo.ask("diff-tree", "-r", "-z", "--name-only", "--no-renames",
                                    "--ignore-submodules=none", from.hex(), to.hex(), "--");
    if (!output) co_return output.error();
    std::vector<std::string> paths = records_of(*output);
    std::sort(paths.begin(), paths.end());
    co_return paths;
}

awaitable<result<std::vector<commit_info>>> commits_between(repository& repo, oid from, oid to)
{
    auto output = co_await repo.ask("-c", "i18n.logOutputEncoding=UTF-8", "log", "-z", "--topo-order",
                                    "--no-show-signature", "--format=%H%n%P%n%an%n%ae%n%aI%n%s%n%b",
                                    from.hex() + ".." + to.hex(), "--");
    if (!output) co_return output.error();
    std::vector<commit_info> commits;
    for (const std::string& record : records_of(*output)) {
        std::vector<std::string> lines = records_of(record, '\n');
        if (lines.size() < 6) lines.resize(6);
        commit_info commit{oid(lines[0]), {}, lines[2], lines[3], lines[4], lines[5], {}};
        for (const std::string& parent : records_of(lines[1], ' '))
            commit.parents.emplace_back(parent);
        for (std::size_t at = 6; at < lines.size(); ++at)
            commit.body += lines[at] + "\n";
        while (commit.body.ends_with('\n'))
            commit.body.pop_back();
        commits.push_back(std::move(commit));
    }
    co_return commits;
}

std::string conventional_message(std::string type, std::string scope, std::string subject,
                                 std::string description, std::string task_id,
                                 std::vector<std::string> trailers)
{
    std::string text = std::move(type);
    if (!text.empty() && !scope.empty()) text += "(" + scope + ")";
    if (!text.empty()) text += ": ";
    text += one_line(std::move(subject));
    description = one_line(std::move(description));
    text += "\n\nTask: " + one_line(std::move(task_id));
    text += "\nDescription: " + (description.empty() ? std::string("N/A") : description) + "\n";
    if (!trailers.empty()) text += "\n";
    for (std::string& trailer : trailers)
        text += one_line(std::move(trailer)) + "\n";
    return text;
}

} // namespace graftline::git
