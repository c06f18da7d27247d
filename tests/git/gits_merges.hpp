/// What git itself says about merges.
#pragma once

#include "graftline/git/merge/merge.hpp"

#include "tests/support/test_repository.hpp"

#include <optional>
#include <vector>

namespace graftline::test {

struct gits_answer {
    git::oid tree;
    std::vector<git::merge_conflict> conflicts;
};

/// Asks `git merge-tree` at the top of the work tree, whose attributes count. One answer a question; none
/// where git dies.
std::vector<std::optional<gits_answer>> ask_git(const test_repository& repo,
                                                const std::vector<git::merge_question>& questions);

} // namespace graftline::test
