#include "graftline/git/repository/repository.hpp"
#include "graftline/git/rescue/holds_nothing.hpp"
#include "graftline/git/rescue/rescue.hpp"
#include "graftline/git/worktree/worktree.hpp"

#include "tests/support/test_repository.hpp"
#include <gtest/gtest.h>

#include <ostream>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;
using test::run_here;

/// Something that may have been done in a worktree.
struct deed {
    const char* name;
    bool is_seen_at_once; ///< that nothing needs to be saved
    const char* script;
};

void PrintTo(const deed& what, std::ostream* to)
{
    *to << what.name;
}

constexpr deed deeds[]{
    {"nothing", true, ""},
    {"an ignored file", true, "echo x > build.o"},
    {"a commit", true, "echo x > b; git add b; git commit -qm b"},
    {"a file touched", true, "touch a"},
    {"a file rewritten as it was", true, "cp a c; mv c a"},
    {"a stash, which is everybody's", true, "echo x > a; git stash -q"},
    {"another branch", true, "git checkout -qb own; echo x > b; git add b; git commit -qm b"},
    {"an edit", false, "echo x > a"},
    {"an edit of the same size and time", false, "touch -r a t; echo b > a; touch -r t a; rm t"},
    {"an edit that is staged", false, "echo x > a; git add a"},
    {"a staged edit that is taken back", false, "echo x > a; git add a; echo a > a"},
    {"a new file", false, "echo x > b"},
    {"a new file in a new folder", false, "mkdir d; echo x > d/b"},
    {"an intention to add", false, "echo x > b; git add -N b"},
    {"a deleted file", false, "rm a"},
    {"a file taken out of the index", false, "git rm -q --cached a; echo a >> .git-info 2>/dev/null"},
    {"another mode", false, "chmod +x a"},
    {"a link in a file's place", false, "rm a; ln -s build.o a"},
    {"an edit that is assumed away", false, "git update-index --assume-unchanged a; echo x > a"},
    {"an edit in a skipped file", false, "git update-index --skip-worktree a; echo x > a"},
    {"an edit that a monitor hides", false,
     "git config core.fsmonitor true; git update-index --fsmonitor -q 2>/dev/null; echo x > a"},
    {"an amended commit", false, "echo x > b; git add b; git commit -qm b; git commit -q --amend -m c"},
    {"a commit that was reset away", false,
     "echo x > b; git add b; git commit -qm b; git reset -q --hard HEAD^"},
    {"a detached commit", false, "git checkout -q --detach; echo x > b; git add b; git commit -qm b"},
    {"a branch left behind and deleted", false,
     "git checkout -qb own; echo x > b; git add b; git commit -qm b; git checkout -q task/one; git branch "
     "-qD own"},
    {"a ref of its own", false, "git update-ref refs/worktree/mine HEAD"},
    {"a bisection", false, "git bisect start -q; git bisect bad"},
    {"a merge half done", false,
     "git checkout -q -b other; echo x > a; git commit -qam x; git checkout -q task/one; echo y > a; git "
     "commit "
     "-qam y; git merge -q other >/dev/null"},
    {"a repository inside", false, "git init -q inside; echo x > inside/f"},
    {"a repository inside with a commit", false,
     "git init -q inside; git -C inside commit -q --allow-empty -m x"},
    {"a repository of its own", false, "mv .git was; git init -q"},
    {"no .git", false, "rm .git"},
    {"no index", false, "rm $(git rev-parse --git-path index)"},
    {"a sparse checkout", false, "git sparse-checkout set --no-cone d"},
    {"a submodule's entry", false,
     "git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),sub; git commit -qm sub"},
};

class HoldsNothing : public testing::TestWithParam<deed> {};

TEST_P(HoldsNothing, OnlyWhereNothingNeedsToBeSaved)
{
    asio::io_context io{1};
    test::test_repository made;
    made.write(".gitignore", "*.o\n");
    made.write("a", "a\n");
    made.git("add", ".");
    made.git("commit", "-q", "-m", "begin");
    const oid base(made.git("rev-parse", "HEAD"));
    const auto repo = run_here(io, repository::discover(made.top())).value();
    const fs::path tree = made.root() / "trees" / "one";
    const auto wanted = worktree_request(tree, "task/one", base).lock("graftline one");
    run_here(io, add_worktree(*repo, wanted)).value();
    auto done =
        run_here(io, run(command("sh").args("-c", std::string("set -e\n") + GetParam().script).in(tree)));
    ASSERT_TRUE(done) << done.error().message();

    const workplace place(made.git_folder() / "worktrees" / "one", tree, true);
    const bool nothing = run_here(io, holds_nothing(*repo, place));
    EXPECT_EQ(nothing, GetParam().is_seen_at_once) << done->out << done->err;
    // Nobody's edit hides behind the quick answer: removed, all of it is still there.
    if (nothing) EXPECT_EQ(run_here(io, rescue(*repo, tree, "one")).value(), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Of, HoldsNothing, testing::ValuesIn(deeds),
                         [](const auto& info) { return "deed" + std::to_string(info.index); });

} // namespace
} // namespace graftline::git
