#include "graftline/cli/commands/commands.hpp"
#include "graftline/cli/terminal/failure.hpp"
#include "graftline/cli/terminal/shown_text.hpp"
#include "graftline/effects/checkout/task_names.hpp"
#include "graftline/effects/worktree/follow_worktree.hpp"
#include "graftline/git/commits/submodule_edits.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/rules/filters.hpp"
#include "graftline/git/rules/ignore_rules.hpp"
#include "graftline/git/rules/noted_rules.hpp"
#include "graftline/git/rules/survey.hpp"
#include "graftline/git/worktree/present_work.hpp"
#include "graftline/git/worktree/worktree.hpp"

#include <filesystem>

namespace graftline::cli {
namespace {

namespace fs = std::filesystem;

/// `git diff` that runs nothing which the repository's configuration names.
std::vector<std::string> diff_words(session& s, bool stat)
{
    std::vector<std::string> words{"--no-pager",
                                   "-c",
                                   "core.fsmonitor=false",
                                   "diff",
                                   "--no-ext-diff",
                                   "--no-textconv",
                                   "--submodule=short",         // others run git in them, and so what
                                   "--ignore-submodules=dirty", // their own configuration names
                                   s.out().has_colors() ? "--color=always" : "--color=never"};
    if (stat) words.push_back("--stat=" + std::to_string(s.out().is_terminal() ? s.out().columns() : 80));
    return words;
}

/// A copy of a worktree's index in which new files are noted, so that a diff shows them. The worktree's own
/// is not touched.
awaitable<result<fs::path>> index_with_new_files(git::repository& repo, git::workplace place, fs::path folder)
{
    const fs::path copy = folder / "index";
    if (auto copied = git::copy_index_file(place.git_dir / "index", copy); !copied) co_return copied.error();
    if (auto noted = co_await git::note_new_files(repo, place, copy); !noted) co_return noted.error();
    co_return copy;
}

/// Everything in the worktree against the base, committed or not, by the rules that count for the task.
awaitable<result<command_output>> diff_of_worktree(session& s, git::repository& repo, fs::path worktree,
                                                   std::vector<std::string> said)
{
    if (auto safe = co_await git::check_git_may_run_in(worktree); !safe) co_return safe.error();
    const auto record = git::records_of_worktree(repo, worktree);
    if (!record) co_return record.error();
    git::workplace place(*record, worktree, true);
    if (auto rules = co_await git::hold_rules(repo, place); !rules) co_return rules.error();
    const auto known = co_await git::find_filters(repo);
    if (!known) co_return known.error();
    // Drivers that the configuration names would be run on changed files: they are compared as they are.
    auto words = git::with_noted(*known, *record).words;
    words.insert(words.end(), said.begin(), said.end());
    const auto scratch = git::scratch_folder::make(repo, "diff");
    result<fs::path> index = scratch ? fs::path() : result<fs::path>(scratch.error());
    if (scratch) index = co_await index_with_new_files(repo, place, scratch->path());
    if (!index) s.err().write("graftline: new files are missing below: " + index.error().message() + "\n");
    command diff = place.git(repo, std::move(words));
    if (index) diff.set("GIT_INDEX_FILE", index->string());
    co_return co_await run(std::move(diff));
}

/// Says where something may be missing in the diff of a worktree.
awaitable<void> say_what_is_missing(session& s, git::repository& repo, fs::path worktree)
{
    const auto edited = co_await git::submodules_that_may_have_edits(repo, worktree);
    if (!edited) s.err().write("graftline: " + harmless_line(edited.error().message()) + "\n");
    if (!edited) co_return;
    for (const auto& path : *edited)
        s.err().write("graftline: " + harmless_line(path) +
                      " is a submodule in which something may lie that is not committed there; see git -C " +
                      harmless_line((worktree / path).string()) + " status\n");
}

/// What a commit has against the base.
awaitable<result<command_output>> diff_of_commit(git::repository& repo, std::vector<std::string> said)
{
    const auto known = co_await git::find_filters(repo);
    if (!known) co_return known.error();
    auto words = known->words;
    words.insert(words.end(), said.begin(), said.end());
    co_return co_await run(repo.prepare(std::move(words)));
}

fault not_shown(const git::repository& repo, const effects::task& t, const std::vector<std::string>& words,
                const command_output& shown)
{
    fault why = git::git_failed(words, shown);
    if (repo.can().partial)
        why.advise("This is a partial clone, and reading commands fetch nothing. What is missing comes with: "
                   "git diff " +
                   t.base + " " + t.branch);
    return why;
}

/// What there is of a task without a worktree: what its branch held when that was removed. Of one whose
/// folder is only away, what the branch holds, and a word about it.
awaitable<std::string> recorded_tip(session& s, git::repository& repo, effects::task t)
{
    auto tip = t.commit.empty() ? t.base : t.commit;
    if (!t.worktree_ready || t.worktree.empty()) co_return tip;
    s.err().write("graftline: the task's worktree is not there: " + harmless_line(t.worktree) +
                  "\n  Below is what its branch holds; what was not committed is missing.\n");
    const auto branch = co_await git::read_ref(repo, "refs/heads/" + t.branch);
    if (branch && *branch) tip = (*branch)->hex();
    co_return tip;
}

} // namespace

awaitable<int> carry_out(session& s, diff_arguments asked)
{
    auto in = co_await s.open_to_read();
    const auto t = co_await s.find(*in, asked.task);
    auto& repo = in->repository();
    if (t.base.empty())
        throw fault_error(
            fault(errc::refused, "the task has not begun: there is nothing to compare").with("task", t.id));
    const bool has_worktree = t.worktree_ready && effects::is_worktree_there(t).value();
    if (has_worktree) git::check_worktree(repo, t.worktree, effects::lock_reason(t.id), t.branch).value();

    auto words = diff_words(s, asked.stat);
    words.push_back(t.base);
    if (!has_worktree) words.push_back(co_await recorded_tip(s, repo, t));
    words.push_back("--");
    const auto shown = (has_worktree ? co_await diff_of_worktree(s, repo, t.worktree, words)
                                     : co_await diff_of_commit(repo, words))
                           .value();
    if (!shown.ok()) throw fault_error(not_shown(repo, t, words, shown));
    if (has_worktree) co_await say_what_is_missing(s, repo, t.worktree);
    s.print_bytes(shown.out);
    co_return exit_status::done;
}

} // namespace graftline::cli
