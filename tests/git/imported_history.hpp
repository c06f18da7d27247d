/// Commits written as data and put into a repository all at once, by git fast-import.
#pragma once

#include "graftline/git/repository/oid.hpp"

#include "tests/support/test_repository.hpp"

#include <map>
#include <string>
#include <vector>

namespace graftline::test {

struct tree_file {
    std::string mode = "100644"; ///< "160000": `text` is a commit's id; "120000": the link's target
    std::string text;
};
/// All files of a commit by their paths.
using file_tree = std::map<std::string, tree_file>;

class history_importer {
public:
    /// Adds a commit; gives its number. `parents` are numbers of earlier ones.
    int commit(const file_tree& tree, const std::vector<int>& parents);
    /// Writes them all into the repository. Gives the ids by number.
    std::map<int, git::oid> run(const test_repository& repo);

private:
    std::string text_;
    int commits_ = 0;
};

} // namespace graftline::test
