// A driver of the user's runs where git runs it, and conflicts are those that git lists.
#include "tests/git/tree_merging.hpp"
#include <gmock/gmock.h>

namespace graftline::test {
namespace {

using git::oid;

class merge_drivers : public tree_merging {
protected:
    void SetUp() override
    {
        tree_merging::SetUp();
        if (IsSkipped()) return;
        write_file(repo.top() / "tools/m.sh", "sort -u \"$2\" \"$3\" >\"$2.n\" && mv \"$2.n\" \"$2\"\n");
        base[".gitattributes"] = text("C merge=m\n");
        base["C"] = text("s\n");
        ours = theirs = base;
        ours["C"] = text("s\nx\n");
        theirs["C"] = text("s\ny\n");
    }
};

TEST_F(merge_drivers, RunAtTheTopOfTheCheckout)
{
    const auto tool = (repo.top() / "tools/m.sh").string();
    for (const std::string& driver :
         {std::string("sh tools/m.sh %O %A %B"), std::string("sh tools/m.sh '%O' \"%A\" %B"),
          std::string("sh \"$(git rev-parse --show-toplevel)\"/tools/m.sh %O %A %B"),
          "test -e tools/m.sh && sh " + tool + " %O %A %B", "false || sh " + tool + " %O %A %B %L %P",
          std::string("sh -c 'sh tools/m.sh %O %A %B'"), std::string("exit 1 # %%A"),
          std::string("exit 2; true")}) {
        SCOPED_TRACE(driver);
        repo.git("config", "merge.m.driver", driver);
        expect_gits_answer(decided::by_git);
        EXPECT_EQ(clean, driver.find("exit") == driver.npos);
    }
    for (const auto& entry : std::filesystem::directory_iterator(repo.top()))
        EXPECT_FALSE(entry.path().filename().string().starts_with(".merge_file"))
            << "nothing is written there";
}

TEST_F(tree_merging, AFileInARenamedFolderConflictsWhereGitPutIt)
{
    ours["library/one.txt"] = base["lib/one.txt"];
    ours["library/two.txt"] = base["lib/two.txt"];
    ours.erase("lib/one.txt");
    ours.erase("lib/two.txt");
    theirs["lib/three.txt"] = text("added\n");
    const auto ids = import();
    repo.git("checkout", "--quiet", "--detach", "--force", ids[1].hex());
    const auto listed =
        try_git(repo.top(), {"merge-tree", "--write-tree", "--name-only", ids[1].hex(), ids[2].hex()}).out;
    const auto mine = merge(ids[1], ids[2]);
    ASSERT_TRUE(mine);
    ASSERT_EQ(mine->conflicts.size(), 1u);
    EXPECT_EQ(mine->conflicts.front().path, "library/three.txt");
    EXPECT_NE(listed.find("\nlibrary/three.txt\n\n"), std::string::npos) << listed;
}

} // namespace
} // namespace graftline::test
