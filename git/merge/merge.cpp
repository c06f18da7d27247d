#include "graftline/git/merge/merge.hpp"

#include "graftline/git/merge/direct_merges.hpp"
#include "graftline/git/merge/merge_by_command.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/runtime/async/parallel.hpp"

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// Each is a process with a folder of its own.
constexpr std::size_t commands_at_once = 4;

awaitable<result<merge_outcome>> merge_one(repository& repo, std::optional<oid> base, oid ours, oid theirs)
{
    std::vector<direct_question> questions{{base, ours, theirs}};
    auto answers = co_await direct_merges::of(repo).answer(repo, std::move(questions));
    if (answers.front()) co_return std::move(answers.front());
    co_return co_await merge_by_command(repo, std::move(base), std::move(ours), std::move(theirs));
}

} // namespace

awaitable<result<merge_outcome>> merge_commits(repository& repo, oid ours, oid theirs)
{
    return merge_one(repo, std::nullopt, std::move(ours), std::move(theirs));
}

awaitable<result<merge_outcome>> merge_on_base(repository& repo, oid base, oid ours, oid theirs)
{
    return merge_one(repo, std::move(base), std::move(ours), std::move(theirs));
}

awaitable<std::vector<result<merge_outcome>>>
merge_pairs(repository& repo, std::vector<merge_question> questions, std::vector<fs::path> more_objects)
{
    std::vector<direct_question> all;
    for (const merge_question& one : questions)
        all.push_back({std::nullopt, one.ours, one.theirs});
    auto answers = co_await direct_merges::of(repo).answer(repo, std::move(all), more_objects);

    std::vector<std::size_t> open;
    for (std::size_t at = 0; at < answers.size(); ++at)
        if (!answers[at]) open.push_back(at);
    auto ask_git = [&](std::size_t at) {
        return merge_by_command(repo, std::nullopt, questions[at].ours, questions[at].theirs, more_objects);
    };
    auto asked = co_await parallel::map(open, ask_git, parallel::options().limit(commands_at_once));
    for (std::size_t at = 0; at < open.size(); ++at)
        answers[open[at]] = std::move(asked[at]).value();
    co_return answers;
}

} // namespace graftline::git
