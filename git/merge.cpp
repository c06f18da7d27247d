#include "graftline/git/merge.hpp"

#include "graftline/git/merge_by_command.hpp"
#include "graftline/git/repository.hpp"

namespace graftline::git {

awaitable<result<merge_outcome>> merge_commits(repository& repo, oid ours, oid theirs)
{
    co_return co_await merge_by_command(repo, std::nullopt, std::move(ours), std::move(theirs));
}

awaitable<result<merge_outcome>> merge_on_base(repository& repo, oid base, oid ours, oid theirs)
{
    co_return co_await merge_by_command(repo, std::move(base), std::move(ours), std::move(theirs));
}

awaitable<std::vector<result<merge_outcome>>> merge_pairs(repository& repo,
                                                          std::vector<merge_question> questions,
                                                          std::vector<std::filesystem::path> more_objects)
{
    std::vector<result<merge_outcome>> answers;
    for (const merge_question& one : questions)
        answers.push_back(co_await merge_by_command(repo, std::nullopt, one.ours, one.theirs, more_objects));
    co_return answers;
}

} // namespace graftline::git
