// Configuration, which may change at any time.
#include "tests/git/tree_merging.hpp"

namespace graftline::test {
namespace {

using git::oid;

class merging_as_configured : public tree_merging {
protected:
    void SetUp() override
    {
        tree_merging::SetUp();
        if (IsSkipped()) return;
        ours["a.txt"] = text(numbers(1, 20, {{1, "ours"}}));
        theirs["a.txt"] = text(numbers(1, 20, {{20, "theirs"}}));
        ids = import();
        expect(decided::here);
    }
    void expect(decided where) { expect_gits_answer(ids[1], ids[2], where); }
    std::vector<oid> ids;
};

TEST_F(merging_as_configured, Renormalize)
{
    repo.git("config", "merge.renormalize", "true");
    expect(decided::by_git);
    repo.git("config", "merge.renormalize", "false");
    expect(decided::here);
}

TEST_F(merging_as_configured, DefaultDriverAndConflictStyle)
{
    repo.git("config", "merge.default", "union");
    expect(decided::by_git);
    repo.git("config", "--unset", "merge.default");
    repo.git("config", "merge.conflictStyle", "diff3");
    expect(decided::by_git);
    repo.git("config", "merge.conflictStyle", "merge");
    expect(decided::here);
}

TEST_F(merging_as_configured, AnIncludedFileThatComesLater)
{
    repo.git("config", "include.path", "../more-config");
    expect(decided::here);
    write_file(repo.top() / "more-config", "[merge]\n\tdefault = union\n");
    expect(decided::by_git);
    std::filesystem::remove(repo.top() / "more-config");
    expect(decided::here);
}

TEST_F(merging_as_configured, AttributesOfTheRepositoryAndOfTheUser)
{
    write_file(repo.git_folder() / "info" / "attributes", "a.* merge=union\n");
    expect(decided::by_git);
    write_file(repo.git_folder() / "info" / "attributes", "b.* merge=union\n");
    expect(decided::here);
    write_file(repo.root() / "attributes", "*.txt -merge\n");
    repo.git("config", "core.attributesFile", (repo.root() / "attributes").string());
    expect(decided::by_git);
    EXPECT_FALSE(clean);
}

TEST_F(merging_as_configured, ReplacedObjects)
{
    const std::string blob = repo.git("rev-parse", ids[2].hex() + ":a.txt");
    repo.write("other", numbers(1, 20, {{10, "replaced"}}));
    repo.git("replace", blob, repo.git("hash-object", "-w", "other"));
    expect(decided::by_git);
    repo.git("pack-refs", "--all");
    expect(decided::by_git);
}

} // namespace
} // namespace graftline::test
