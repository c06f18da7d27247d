/// What tests of our merges share: a history of three trees, and git's own answer.
#pragma once

#include "graftline/git/merge/merge.hpp"
#include "graftline/git/repository/repository.hpp"

#include "tests/git/gits_merges.hpp"
#include "tests/git/imported_history.hpp"
#include "tests/support/hang_guard.hpp"
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace graftline::test {

enum class decided { here, by_git };

/// Lines of numbers, some of which are something else.
std::string numbers(int from, int to, const std::map<int, std::string>& instead = {});

tree_file text(std::string contents);
tree_file program(std::string contents);
tree_file link_to(std::string target);
tree_file submodule(char digit);

/// Every case is merged by us and by git in a checkout of ours; the answers have to be the same, and it has
/// to be decided where it is said to be.
class tree_merging : public testing::Test {
protected:
    void SetUp() override;

    result<git::merge_outcome> merge(const git::oid& one, const git::oid& other);
    /// The ids of base, ours and theirs.
    std::vector<git::oid> import() const;

    void expect_gits_answer(const git::oid& one, const git::oid& other, decided where);
    /// Merged both ways round.
    void expect_gits_answer(decided where);

    test_repository repo;
    asio::io_context io{1};
    std::shared_ptr<git::repository> found;
    file_tree base, ours, theirs;
    bool clean = false; ///< the last answer

private:
    awaitable<result<git::merge_outcome>> merge_here(git::oid one, git::oid other);
};

} // namespace graftline::test
