/// Histories to merge, made at random from a seed and put into a repository all at once.
#pragma once

#include "graftline/git/merge/merge.hpp"

#include "tests/support/test_repository.hpp"

#include <cstdint>
#include <vector>

namespace graftline::test {

/// Makes `count` pairs of commits, each with a history of its own: nested folders, edits of several places in
/// a file, moved and repeated blocks, deletions, renames of files and folders, changes of mode and type,
/// symbolic links, submodules, binary files, the same edits on both sides, sometimes criss-cross merges. The
/// same seed makes the same.
std::vector<git::merge_question> make_random_cases(const test_repository& repo, std::uint64_t seed,
                                                   int count);

} // namespace graftline::test
