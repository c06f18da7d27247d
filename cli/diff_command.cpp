#include "graftline/cli/commands.hpp"
#include "graftline/cli/failure.hpp"
#include "graftline/effects/follow_worktree.hpp"
#include "graftline/effects/remove_worktree.hpp"
#include "graftline/git/filters.hpp"
#include "graftline/git/survey.hpp"
#include "graftline/git/whole_answer.hpp"
#include "graftline/git/worktree.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace graftline::cli {
namespace {

/// `git diff` that runs nothing which the repository's configuration names.
std::vector<std::string> diff_words(session& s, bool stat)
{
    std::vector<std::string> words{"--no-pager",
                                   "-c",
                                   "core.fsmonitor=false",
                                   "diff",
                                   "--no-ext-diff",
                                   "--no-textconv",
                                   s.out().has_colors() ? "--color=always" : "--color=never"};
    if (stat) words.push_back("--stat=" + std::to_string(s.out().is_terminal() ? s.out().columns() : 80));
    return words;
}

/// A copy of a worktree's index in which new files are noted, so that a diff shows them. The worktree's own
/// is not touched. Gone with the object.
class index_copy {
public:
    static awaitable<result<std::unique_ptr<index_copy>>> make(git::repository& repo,
                                                               std::filesystem::path worktree)
    {
        auto copy = std::make_unique<index_copy>();
        const auto index =
            co_await repo.ask_in(worktree, "rev-parse", "--path-format=absolute", "--git-path", "index");
        if (!index) co_return index.error();
        if (!copy->take(*index)) co_return fault(errc::unusable, "the index cannot be copied");
        auto note = repo.git_in(worktree, "-c", "core.fsmonitor=false", "add", "--intent-to-add", "--", ".");
        note.set("GIT_INDEX_FILE", copy->file());
        if (auto noted = co_await git::whole_answer(std::move(note)); !noted) co_return noted.error();
        co_return copy;
    }
    ~index_copy()
    {
        std::error_code ignored;
        if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
    }
    std::string file() const { return folder_ / "index"; }

private:
    bool take(const std::string& index)
    {
        std::error_code failed;
        std::string pattern = std::filesystem::temp_directory_path(failed) / "graftline-diff-XXXXXX";
        if (failed || !::mkdtemp(pattern.data())) return false;
        folder_ = pattern;
        return std::filesystem::copy_file(index, file(), failed);
    }
    std::filesystem::path folder_;
};

/// Everything in the worktree against the base, committed or not.
awaitable<result<command_output>> diff_of_worktree(session& s, git::repository& repo,
                                                   std::filesystem::path worktree,
                                                   std::vector<std::string> words)
{
    if (auto safe = co_await git::check_git_may_run_in(worktree); !safe) co_return safe.error();
    const auto index = co_await index_copy::make(repo, worktree);
    if (!index) s.err().write("graftline: new files are missing below: " + index.error().message() + "\n");
    auto diff = repo.prepare_in(worktree, std::move(words));
    if (index) diff.set("GIT_INDEX_FILE", (*index)->file());
    co_return co_await run(std::move(diff));
}

} // namespace

awaitable<int> carry_out(session& s, diff_arguments asked)
{
    auto in = co_await s.open();
    const auto t = co_await s.find(*in, asked.task);
    auto& repo = in->repository();
    if (t.base.empty())
        throw fault_error(
            fault(errc::refused, "the task has not begun: there is nothing to compare").with("task", t.id));
    const bool has_worktree = t.worktree_ready && effects::is_worktree_there(t).value();
    if (has_worktree) git::check_worktree(repo, t.worktree, effects::lock_reason(t.id), t.branch).value();

    // Drivers that the configuration names would be run on changed files: files are compared as they are.
    auto words = (co_await git::find_filters(repo)).value().words;
    const auto said = diff_words(s, asked.stat);
    words.insert(words.begin(), said.front());
    words.insert(words.end(), said.begin() + 1, said.end());
    words.push_back(t.base);
    if (!has_worktree)
        words.push_back(t.commit.empty() ? t.base : t.commit); // what the branch held when it was removed
    words.push_back("--");
    const auto shown = (has_worktree ? co_await diff_of_worktree(s, repo, t.worktree, words)
                                     : co_await run(repo.prepare(words)))
                           .value();
    if (!shown.ok()) throw fault_error(git::git_failed(words, shown));
    s.print(shown.out);
    co_return exit_status::done;
}

} // namespace graftline::cli
