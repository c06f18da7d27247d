/// Merges in our own process, where the answer is certain to be git's.
#pragma once

#include "graftline/git/merge/merge.hpp"
#include "graftline/git/merge/merge_settings.hpp"
#include "graftline/git/objects/commit_history.hpp"
#include "graftline/git/repository/libgit2.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace graftline::git {

/// Commits to merge; without a base theirs is found.
struct direct_question {
    std::optional<oid> base;
    oid ours, theirs;
};

/// What merging keeps from one call to the next: a libgit2 handle of its own, objects that were read,
/// settings.
class direct_merges {
public:
    /// The repository's own.
    static direct_merges& of(const repository& repo);

    direct_merges(asio::any_io_executor loop, std::filesystem::path git_dir,
                  std::shared_ptr<commit_history> history);
    ~direct_merges();

    /// Answers all in one job on the pool. Result: one answer a question, in their order; any fault in it
    /// means that git has to be asked, which also has the better words. `more_objects`: object directories
    /// that are read besides the repository's. Cancellation: the job is waited for. Lifetime: borrows `repo`.
    awaitable<std::vector<result<merge_outcome>>>
    answer(repository& repo, std::vector<direct_question> questions,
           std::vector<std::filesystem::path> more_objects = {});

private:
    class memory;

    libgit2_lane lane_;
    std::shared_ptr<memory> memory_; ///< shared with a job that is still on the pool when this goes
    std::shared_ptr<const merge_settings> settings_;
};

} // namespace graftline::git
