#include "graftline/git/merge.hpp"
#include "graftline/git/merge_contents.hpp"
#include "graftline/git/repository.hpp"

#include "tests/git/gits_merges.hpp"
#include "tests/git/imported_history.hpp"
#include "tests/support/hang_guard.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace graftline::test {
namespace {

using git::merge_outcome;
using git::oid;

enum class decided { here, by_git };

std::string numbers(int from, int to, const std::map<int, std::string>& instead = {})
{
    std::string text;
    for (int line = from; line <= to; ++line)
        text += instead.contains(line) ? instead.at(line) + "\n" : std::to_string(line) + "\n";
    return text;
}

tree_file text(std::string contents)
{
    return {"100644", std::move(contents)};
}
tree_file program(std::string contents)
{
    return {"100755", std::move(contents)};
}
tree_file link_to(std::string target)
{
    return {"120000", std::move(target)};
}
tree_file submodule(char digit)
{
    return {"160000", std::string(40, digit)};
}

/// Every case is merged by us and by git in a checkout of ours; the answers have to be the same, and it has
/// to be decided where it is said to be.
class tree_merging : public testing::Test {
protected:
    void SetUp() override
    {
        isolate_git();
        if (!git::can_merge_contents()) GTEST_SKIP() << "built without xdiff";
        base = {{"a.txt", text(numbers(1, 20))},
                {"b/c.txt", text(numbers(1, 20))},
                {"b/d/e.txt", text("e\n")},
                {"lib/one.txt", text("the first of a library\nof two files\n")},
                {"lib/two.txt", text("the second of a library\nof two files\nand more\n")},
                {"run", program("#!/bin/sh\nexit 0\n")}};
        ours = theirs = base;
    }

    awaitable<result<merge_outcome>> merge_here(oid one, oid other)
    {
        if (!found) found = (co_await git::repository::discover(repo.top())).value();
        co_return co_await git::merge_commits(*found, one, other);
    }
    result<merge_outcome> merge(const oid& one, const oid& other)
    {
        return run_here(io, merge_here(one, other));
    }

    /// The ids of base, ours and theirs.
    std::vector<oid> import() const
    {
        history_importer importer;
        const int first = importer.commit(base, {});
        const int one = importer.commit(ours, {first});
        const int other = importer.commit(theirs, {first});
        const auto ids = importer.run(repo);
        return {ids.at(first), ids.at(one), ids.at(other)};
    }

    void expect_gits_answer(const oid& one, const oid& other, decided where)
    {
        repo.git("checkout", "--quiet", "--detach", "--force", one.hex());
        const auto gits = ask_git(repo, {{one, other}}).front();
        const auto mine = merge(one, other);
        ASSERT_TRUE(gits);
        ASSERT_TRUE(mine) << mine.error().message();
        EXPECT_EQ(mine->tree, gits->tree);
        EXPECT_EQ(mine->conflicts, gits->conflicts);
        EXPECT_EQ(mine->in_process, where == decided::here);
        clean = mine->clean();
    }
    /// Merged both ways round.
    void expect_gits_answer(decided where)
    {
        const auto ids = import();
        expect_gits_answer(ids[2], ids[1], where);
        expect_gits_answer(ids[1], ids[2], where);
    }

    test_repository repo;
    asio::io_context io{1};
    std::shared_ptr<git::repository> found;
    file_tree base, ours, theirs;
    bool clean = false; ///< the last answer
};

// --- what is decided here
// -------------------------------------------------------------------------------------

TEST_F(tree_merging, EachSideChangesItsOwn)
{
    ours["a.txt"] = text("ours\n");
    ours["new/deep/file"] = text("new\n");
    theirs["b/c.txt"] = text("theirs\n");
    theirs.erase("b/d/e.txt");
    theirs["more"] = link_to("a.txt");
    expect_gits_answer(decided::here);
    EXPECT_TRUE(clean);
}

TEST_F(tree_merging, OneSideChangesNothing)
{
    theirs["a.txt"] = text("theirs\n");
    theirs.erase("lib/one.txt");
    theirs["lib/other.txt"] = base["lib/one.txt"]; // a rename: nothing can come of it
    expect_gits_answer(decided::here);
    EXPECT_TRUE(clean);
}

TEST_F(tree_merging, BothMakeTheSameChange)
{
    for (file_tree* side : {&ours, &theirs}) {
        (*side)["a.txt"] = text("same\n");
        (*side)["b/d/e.txt"] = text("same too\n");
        (*side)["run"] = text("#!/bin/sh\nexit 0\n");
    }
    ours["own"] = text("ours\n");
    theirs["b/own"] = text("theirs\n");
    expect_gits_answer(decided::here);
    EXPECT_TRUE(clean);
}

TEST_F(tree_merging, BothAddTheSame)
{
    ours["new/same.txt"] = theirs["new/same.txt"] = text("same\n");
    ours["b/same.txt"] = theirs["b/same.txt"] = text("same\n");
    ours["own"] = text("ours\n");
    theirs["b/own"] = text("theirs\n");
    expect_gits_answer(decided::here);
    EXPECT_TRUE(clean);
}

TEST_F(tree_merging, BothDeleteTheSame)
{
    for (file_tree* side : {&ours, &theirs}) {
        side->erase("b/d/e.txt");
        side->erase("lib/one.txt");
        side->erase("lib/two.txt");
    }
    ours["a.txt"] = text("ours\n");
    theirs["run"] = program("theirs\n");
    expect_gits_answer(decided::here);
    EXPECT_TRUE(clean);
}

TEST_F(tree_merging, OneFileInDifferentPlaces)
{
    ours["a.txt"] = text(numbers(1, 20, {{2, "ours"}, {9, "ours"}}));
    theirs["a.txt"] = text(numbers(1, 20, {{15, "theirs"}}));
    ours["b/c.txt"] = text("first\n" + numbers(1, 20));
    theirs["b/c.txt"] = text(numbers(1, 20) + "last\n");
    expect_gits_answer(decided::here);
    EXPECT_TRUE(clean);
}

TEST_F(tree_merging, OneFileInTheSamePlace)
{
    ours["a.txt"] = text(numbers(1, 20, {{9, "ours"}}));
    theirs["a.txt"] = text(numbers(1, 20, {{9, "theirs"}}));
    ours["b/c.txt"] = text(numbers(1, 20, {{9, "ours"}, {10, "same"}, {11, "ours too"}}));
    theirs["b/c.txt"] = text(numbers(1, 20, {{9, "theirs"}, {10, "same"}, {11, "theirs too"}}));
    expect_gits_answer(decided::here);
    EXPECT_FALSE(clean);
}

TEST_F(tree_merging, HistogramAndNoOtherAlgorithm)
{
    // Clean by every algorithm, but Myers and patience leave one empty line less.
    base["f"] = text("y\n\n\n\n");
    ours["f"] = text("y\ny\n\n\n");
    theirs["f"] = text("y\n\n\n");
    const std::string block = "{\n    return x;\n}\n\n";
    const auto part = [&](const std::string& name) { return name + "\n" + block; };
    base["g"] = text(part("one") + part("two") + part("three") + part("four"));
    ours["g"] = text(part("one") + part("new") + block + part("two") + part("three") + part("four"));
    theirs["g"] = text(part("two") + part("one") + part("three") + block + block + part("four"));
    const auto ids = import();
    expect_gits_answer(ids[1], ids[2], decided::here);
    auto merged = merge(ids[1], ids[2]);
    ASSERT_TRUE(run_here(io, git::write_objects(*found, std::move(merged->objects))));
    EXPECT_EQ(repo.git("cat-file", "blob", merged->tree.hex() + ":f"), "y\ny\n\n");
}

TEST_F(tree_merging, LineEndsAndLastLines)
{
    base["crlf"] = text("1\r\n2\r\n3\r\n4\r\n5\r\n");
    ours["crlf"] = text("one\r\n2\r\n3\r\n4\r\n5\r\n");
    theirs["crlf"] = text("1\r\n2\r\n3\r\n4\r\nfive\r\n");
    base["crlf-conflict"] = base["crlf"];
    ours["crlf-conflict"] = text("1\r\n2\r\nours\r\n4\r\n5\r\n");
    theirs["crlf-conflict"] = text("1\r\n2\r\ntheirs\r\n4\r\n5\r\n");
    base["open"] = text("1\n2\n3\n4");
    ours["open"] = text("1\n2\n3\nfour");
    theirs["open"] = text("one\n2\n3\n4\n");
    base["emptied"] = text("1\n2\n");
    ours["emptied"] = text("");
    theirs["emptied"] = text("1\n2\n3\n");
    expect_gits_answer(decided::here);
    EXPECT_FALSE(clean);
}

TEST_F(tree_merging, ModeOnOneSideContentsOnTheOther)
{
    ours["a.txt"] = program(numbers(1, 20));
    theirs["a.txt"] = text(numbers(1, 20, {{3, "theirs"}}));
    ours["run"] = text("#!/bin/sh\nexit 1\n");
    theirs["run"] = program("#!/bin/sh -e\nexit 0\n\n");
    expect_gits_answer(decided::here);
}

TEST_F(tree_merging, DeletedHereChangedThere)
{
    ours.erase("a.txt");
    theirs["a.txt"] = text("changed\n");
    theirs.erase("b/c.txt");
    ours["b/c.txt"] = program(numbers(1, 20));
    expect_gits_answer(decided::here);
    EXPECT_FALSE(clean);
}

TEST_F(tree_merging, AFolderDeletedHereAndChangedThere)
{
    ours.erase("lib/one.txt");
    ours.erase("lib/two.txt");
    theirs["lib/one.txt"] = text("changed\n");
    expect_gits_answer(decided::here);
    EXPECT_FALSE(clean);
}

TEST_F(tree_merging, EverythingDeletedLeavesTheEmptyTree)
{
    ours = {{"a.txt", base["a.txt"]}};
    theirs.erase("a.txt");
    expect_gits_answer(decided::here);
    EXPECT_TRUE(clean);
}

TEST_F(tree_merging, EmptyCommits)
{
    base.clear();
    ours = {{"a", text("a\n")}};
    theirs = {{"b", text("b\n")}};
    expect_gits_answer(decided::here);
    EXPECT_TRUE(clean);
}

TEST_F(tree_merging, LinksAndSubmodulesOfOneSide)
{
    base["link"] = link_to("a.txt");
    base["sub"] = submodule('a');
    ours = theirs = base;
    ours["link"] = link_to("run");
    ours["module"] = submodule('c');
    theirs["sub"] = submodule('b');
    theirs["a.txt"] = text("theirs\n");
    expect_gits_answer(decided::here);
    EXPECT_TRUE(clean);
}

TEST_F(tree_merging, StrangeNames)
{
    const std::string name = "tab\tline\n\"q\" \xc3\xa4 \\";
    base[name + "/" + name] = text(numbers(1, 9));
    ours[name + "/" + name] = text(numbers(1, 9, {{5, "ours"}}));
    theirs[name + "/" + name] = text(numbers(1, 9, {{5, "theirs"}}));
    expect_gits_answer(decided::here);
}

TEST_F(tree_merging, AttributesThatSayNothingAboutMerging)
{
    base[".gitattributes"] = text("*.txt text=auto whitespace=-trailing\n*.png binary\n/other merge=union\n");
    base["b/.gitattributes"] = text("d/* merge=union\n");
    ours = theirs = base;
    ours["a.txt"] = text(numbers(1, 20, {{1, "ours"}}));
    theirs["a.txt"] = text(numbers(1, 20, {{20, "theirs"}}));
    ours["b/c.txt"] = text(numbers(1, 20, {{1, "ours"}}));
    theirs["b/c.txt"] = text(numbers(1, 20, {{20, "theirs"}}));
    expect_gits_answer(decided::here);
    EXPECT_TRUE(clean);
}

// --- what git has to decide
// -------------------------------------------------------------------------------------

TEST_F(tree_merging, ARenameThatTheOtherSideChanged)
{
    ours["renamed.txt"] = base["a.txt"];
    ours.erase("a.txt");
    theirs["a.txt"] = text(numbers(1, 20, {{3, "theirs"}}));
    expect_gits_answer(decided::by_git);
    EXPECT_TRUE(clean);
}

TEST_F(tree_merging, ARenameIntoAFolderThatOnlyOneSideChanged)
{
    ours["b/d/renamed.txt"] = base["a.txt"];
    ours.erase("a.txt");
    theirs["a.txt"] = text(numbers(1, 20, {{3, "theirs"}}));
    expect_gits_answer(decided::by_git);
}

TEST_F(tree_merging, RenamedToDifferentNames)
{
    ours["one.txt"] = base["a.txt"];
    ours.erase("a.txt");
    theirs["other.txt"] = base["a.txt"];
    theirs.erase("a.txt");
    expect_gits_answer(decided::by_git);
    EXPECT_FALSE(clean);
}

TEST_F(tree_merging, RenamedOnBothSidesInAFolderThatIsTheSame)
{
    for (file_tree* side : {&ours, &theirs}) {
        (*side)["lib/renamed.txt"] = (*side)["lib/one.txt"];
        side->erase("lib/one.txt");
    }
    ours["own"] = text("ours\n");
    theirs["a.txt"] = text("theirs\n");
    expect_gits_answer(decided::by_git);
    EXPECT_TRUE(clean);
}

TEST_F(tree_merging, AFolderRenamedAndAFileAddedToIt)
{
    ours["library/one.txt"] = base["lib/one.txt"];
    ours["library/two.txt"] = base["lib/two.txt"];
    ours.erase("lib/one.txt");
    ours.erase("lib/two.txt");
    theirs["lib/three.txt"] = text("added\n");
    expect_gits_answer(decided::by_git);
    EXPECT_FALSE(clean) << "git asks where it should go";
}

TEST_F(tree_merging, AFolderRenamedThatTheOtherSideLeftAlone)
{
    ours["library/one.txt"] = base["lib/one.txt"];
    ours["library/two.txt"] = base["lib/two.txt"];
    ours.erase("lib/one.txt");
    ours.erase("lib/two.txt");
    theirs["a.txt"] = text("theirs\n");
    theirs["new"] = text("new\n");
    expect_gits_answer(decided::here);
    EXPECT_TRUE(clean);
}

TEST_F(tree_merging, BothAddDifferently)
{
    ours["new.txt"] = text("ours\n");
    theirs["new.txt"] = text("theirs\n");
    expect_gits_answer(decided::by_git);
    EXPECT_FALSE(clean);
}

TEST_F(tree_merging, AFolderHereAFileThere)
{
    ours["place/file"] = text("ours\n");
    theirs["place"] = text("theirs\n");
    ours["place-holder"] = theirs["place.txt"] = text("between them in order\n");
    expect_gits_answer(decided::by_git);
    EXPECT_FALSE(clean);
}

TEST_F(tree_merging, AFileBecomesAFolder)
{
    ours.erase("a.txt");
    ours["a.txt/below"] = text("below\n");
    theirs["b/c.txt"] = text("theirs\n");
    theirs["a.txt"] = text("theirs\n");
    expect_gits_answer(decided::by_git);
}

TEST_F(tree_merging, AFileBecomesALink)
{
    ours["a.txt"] = link_to("run");
    theirs["a.txt"] = text("theirs\n");
    expect_gits_answer(decided::by_git);
    EXPECT_FALSE(clean);
}

TEST_F(tree_merging, LinksOfBothSides)
{
    base["link"] = link_to("a");
    ours = theirs = base;
    ours["link"] = link_to("b");
    theirs["link"] = link_to("c");
    expect_gits_answer(decided::by_git);
    EXPECT_FALSE(clean);
}

TEST_F(tree_merging, SubmodulesOfBothSides)
{
    base["sub"] = submodule('a');
    ours = theirs = base;
    ours["sub"] = submodule('b');
    theirs["sub"] = submodule('c');
    expect_gits_answer(decided::by_git);
    EXPECT_FALSE(clean);
}

TEST_F(tree_merging, BinaryContents)
{
    const std::string zero(1, '\0');
    base["image"] = text("1\n" + zero + "\n3\n4\n5\n6\n7\n8\n");
    ours["image"] = text("one\n" + zero + "\n3\n4\n5\n6\n7\n8\n");
    theirs["image"] = text("1\n" + zero + "\n3\n4\n5\n6\n7\neight\n");
    expect_gits_answer(decided::by_git);
    EXPECT_FALSE(clean);
}

TEST_F(tree_merging, AZeroFarDownIsNotBinary)
{
    const std::string far = numbers(1, 3000) + std::string(1, '\0') + "\n";
    base["data"] = text(far);
    ours["data"] = text("ours\n" + far);
    theirs["data"] = text(far + "theirs\n");
    expect_gits_answer(decided::here);
    EXPECT_TRUE(clean);
}

TEST_F(tree_merging, AttributesOfOurs)
{
    base["NEWS"] = text("1\n");
    base[".gitattributes"] = text("NEWS merge=union\n");
    ours = theirs = base;
    ours["NEWS"] = text("1\nours\n");
    theirs["NEWS"] = text("1\ntheirs\n");
    expect_gits_answer(decided::by_git);
    EXPECT_TRUE(clean);
}

TEST_F(tree_merging, AttributesThatOnlyOneSideHas)
{
    base["deep/NEWS"] = text("1\n");
    ours["deep/NEWS"] = text("1\nours\n");
    theirs["deep/NEWS"] = text("1\ntheirs\n");
    ours["deep/.gitattributes"] = text("NEWS merge=union\n");
    const auto ids = import();
    expect_gits_answer(ids[1], ids[2], decided::by_git);
    EXPECT_TRUE(clean);
    expect_gits_answer(ids[2], ids[1], decided::here);
    EXPECT_FALSE(clean);
}

TEST_F(tree_merging, AttributesThatHoldForAll)
{
    base["sub/x.dat"] = text(numbers(1, 9));
    ours["sub/x.dat"] = text(numbers(1, 9, {{1, "ours"}}));
    theirs["sub/x.dat"] = text(numbers(1, 9, {{9, "theirs"}}));
    const std::vector<std::string> lines{"*.dat -merge\n",
                                         "*.dat binary\n",
                                         "*.DAT -text -merge\n",
                                         "sub/* merge=binary\n",
                                         "\"sub/x.dat\" -merge\n",
                                         "[attr]special -merge\n*.dat special\n",
                                         "*.dat conflict-marker-size=9\n",
                                         "sub/** merge=unknown\n",
                                         "# nothing\n\n  x.[d]at -merge\n"};
    for (const std::string& line : lines) {
        SCOPED_TRACE(line);
        base[".gitattributes"] = ours[".gitattributes"] = theirs[".gitattributes"] = text(line);
        expect_gits_answer(decided::by_git);
    }
}

TEST_F(tree_merging, ADriverOfTheUsersOwn)
{
    base[".gitattributes"] = text("a.txt merge=ours\n");
    ours = theirs = base;
    ours["a.txt"] = text("ours\n");
    theirs["a.txt"] = text("theirs\n");
    repo.git("config", "merge.ours.driver", "true");
    expect_gits_answer(decided::by_git);
    EXPECT_TRUE(clean);
}

TEST_F(tree_merging, CrissCross)
{
    history_importer importer;
    const int first = importer.commit(base, {});
    ours["a.txt"] = text(numbers(1, 20, {{2, "ours"}}));
    theirs["a.txt"] = text(numbers(1, 20, {{18, "theirs"}}));
    const int one = importer.commit(ours, {first});
    const int other = importer.commit(theirs, {first});
    ours["a.txt"] = theirs["a.txt"] = text(numbers(1, 20, {{2, "ours"}, {18, "theirs"}}));
    ours["run"] = program("ours\n");
    theirs["b/c.txt"] = text("theirs\n");
    const int left = importer.commit(ours, {one, other});
    const int right = importer.commit(theirs, {other, one});
    const auto ids = importer.run(repo);
    expect_gits_answer(ids.at(left), ids.at(right), decided::by_git);
    EXPECT_TRUE(clean);
}

TEST_F(tree_merging, AModeThatGitDoesNotWriteAnyMore)
{
    // 100664, as very old versions wrote it, among files that nobody changes.
    repo.write("old", "old\n");
    const std::string blob = repo.git("hash-object", "-w", "old");
    const std::string zero(1, '\0');
    const auto id = [](const std::string& hex) {
        std::string bytes;
        for (std::size_t at = 0; at < hex.size(); at += 2)
            bytes += static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16));
        return bytes;
    };
    const auto commit = [&](const std::string& contents, const std::string& parent) {
        repo.write("blob", contents);
        const std::string both = repo.git("hash-object", "-w", "blob");
        repo.write("tree", "100644 a" + zero + id(blob) + "100664 b" + zero + id(blob) + "100644 c" + zero +
                               id(blob) + "100644 changed" + zero + id(both));
        const std::string tree = repo.git("hash-object", "-w", "-t", "tree", "--literally", "tree");
        return parent.empty() ? repo.git("commit-tree", "-m", "x", tree)
                              : repo.git("commit-tree", "-m", "x", "-p", parent, tree);
    };
    const std::string first = commit(numbers(1, 9), "");
    const std::string one = commit(numbers(1, 9, {{1, "ours"}}), first);
    const std::string other = commit(numbers(1, 9, {{9, "theirs"}}), first);
    expect_gits_answer(oid(one), oid(other), decided::by_git);
}

// --- configuration, which may change at any time
// --------------------------------------------------------------

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

// --- objects
// ------------------------------------------------------------------------------------------------------

TEST_F(tree_merging, NothingIsWrittenUntilItIsAskedFor)
{
    ours["a.txt"] = text(numbers(1, 20, {{1, "ours"}}));
    theirs["a.txt"] = text(numbers(1, 20, {{20, "theirs"}}));
    auto ids = import();
    const auto objects = [&] { return repo.git("count-objects", "-v"); };
    const auto before = objects();
    for (const bool by_git : {false, true}) {
        if (by_git) repo.git("config", "merge.default", "text");
        auto merged = merge(ids[1], ids[2]);
        ASSERT_TRUE(merged);
        EXPECT_EQ(merged->in_process, !by_git);
        EXPECT_EQ(objects(), before);
        EXPECT_NE(merged->objects.in_memory.empty(), merged->objects.folder == nullptr);
    }
    auto merged = merge(ids[1], ids[2]);
    const oid tree = merged->tree;
    ASSERT_TRUE(run_here(io, git::write_objects(*found, std::move(merged->objects))));
    EXPECT_EQ(repo.git("cat-file", "-t", tree.hex()), "tree");
    repo.git("fsck", "--strict", "--full", tree.hex());
    EXPECT_TRUE(std::filesystem::is_empty(repo.git_folder() / "graftline" / "scratch"));
}

TEST_F(tree_merging, WhatOthersWriteAndPackMeanwhile)
{
    ours["a.txt"] = text(numbers(1, 20, {{1, "ours"}}));
    theirs["a.txt"] = text(numbers(1, 20, {{20, "theirs"}}));
    const auto ids = import();
    expect_gits_answer(ids[1], ids[2], decided::here);
    repo.git("checkout", "--quiet", "--detach", ids[2].hex());
    const oid next(repo.commit_file("b/c.txt", "loose\n"));
    expect_gits_answer(ids[1], next, decided::here);
    repo.git("tag", "ours", ids[1].hex());
    repo.git("repack", "-adfq");
    const oid later(repo.commit_file("b/c.txt", "after packing\n"));
    expect_gits_answer(ids[1], later, decided::here);
    repo.git("repack", "-adq");
    expect_gits_answer(later, ids[1], decided::here);
    EXPECT_TRUE(clean);
}

TEST_F(tree_merging, OnAGivenBase)
{
    // Picks the third of three commits onto the first; git would take the first for the base.
    file_tree second = base;
    second["b/c.txt"] = text("of the second\n");
    file_tree third = second;
    third["a.txt"] = text(numbers(1, 20, {{10, "of the third"}}));
    base["run"] = program("first\n");
    history_importer importer;
    const int one = importer.commit(base, {});
    const int two = importer.commit(second, {one});
    const int three = importer.commit(third, {two});
    const auto commits = importer.run(repo);
    file_tree expected = base;
    expected["a.txt"] = third["a.txt"];
    history_importer again;
    const int tip = again.commit(expected, {});
    const std::string tree = repo.git("rev-parse", again.run(repo).at(tip).hex() + "^{tree}");
    for (const bool by_git : {false, true}) {
        if (by_git) repo.git("config", "merge.default", "text");
        auto body = [&]() -> awaitable<result<merge_outcome>> {
            found = (co_await git::repository::discover(repo.top())).value();
            co_return co_await git::merge_on_base(*found, commits.at(two), commits.at(one),
                                                  commits.at(three));
        };
        auto merged = run_here(io, body());
        ASSERT_TRUE(merged) << merged.error().message();
        EXPECT_EQ(merged->in_process, !by_git);
        EXPECT_TRUE(merged->clean());
        EXPECT_EQ(merged->tree.hex(), tree);
    }
}

TEST_F(tree_merging, ManyAtOnceInOrder)
{
    history_importer importer;
    const int first = importer.commit(base, {});
    ours["a.txt"] = text("ours\n");
    theirs["a.txt"] = text("theirs\n");
    file_tree renames = base;
    renames["renamed"] = base["a.txt"];
    renames.erase("a.txt");
    const std::vector<int> commits{importer.commit(ours, {first}), importer.commit(theirs, {first}),
                                   importer.commit(renames, {first})};
    auto ids = importer.run(repo);
    std::vector<git::merge_question> questions;
    for (const int one : commits)
        for (const int other : commits)
            questions.push_back({ids.at(one), ids.at(other)});
    auto body = [&]() -> awaitable<std::vector<result<merge_outcome>>> {
        found = (co_await git::repository::discover(repo.top())).value();
        co_return co_await git::merge_pairs(*found, questions);
    };
    const auto answers = run_here(io, body());
    const auto gits = ask_git(repo, questions);
    ASSERT_EQ(answers.size(), questions.size());
    for (std::size_t at = 0; at < questions.size(); ++at) {
        ASSERT_TRUE(answers[at]);
        EXPECT_EQ(answers[at]->tree, gits[at]->tree) << at;
        EXPECT_EQ(answers[at]->conflicts, gits[at]->conflicts) << at;
    }
    EXPECT_TRUE(answers[1]->in_process);
    EXPECT_FALSE(answers[2]->in_process);
}

TEST_F(tree_merging, ObjectsOfOtherFoldersAreReadToo)
{
    ours["a.txt"] = text(numbers(1, 20, {{1, "ours"}}));
    const auto ids = import();
    const auto apart = repo.root() / "quotes \" and spaces:colons";
    std::filesystem::create_directories(apart);
    const auto store = [&](std::vector<std::string> words) {
        command git("git");
        git.in(repo.top());
        for (auto& word : words)
            git.add(std::move(word));
        git.set("GIT_OBJECT_DIRECTORY", apart.string());
        git.set("GIT_ALTERNATE_OBJECT_DIRECTORIES", (repo.git_folder() / "objects").string());
        auto said = run_here(run(std::move(git))).value();
        EXPECT_TRUE(said.ok()) << said.err;
        return said.out.substr(0, 40);
    };
    // The base with one line more, known only in the other folder.
    repo.git("checkout", "--quiet", "--detach", ids[0].hex());
    repo.write("a.txt", numbers(1, 21));
    store({"add", "a.txt"});
    const std::string tree = store({"write-tree"});
    const oid theirs_commit(store({"commit-tree", "-m", "apart", "-p", ids[0].hex(), tree}));
    for (const bool by_git : {false, true}) {
        if (by_git) repo.git("config", "merge.default", "text");
        std::vector<git::merge_question> questions{{ids[1], theirs_commit}};
        auto body = [&]() -> awaitable<std::vector<result<merge_outcome>>> {
            found = (co_await git::repository::discover(repo.top())).value();
            co_return co_await git::merge_pairs(*found, questions, {apart});
        };
        const auto answers = run_here(io, body());
        ASSERT_TRUE(answers.front()) << answers.front().error().message();
        EXPECT_EQ(answers.front()->in_process, !by_git);
        EXPECT_TRUE(answers.front()->clean());
        auto merged = answers.front();
        ASSERT_TRUE(run_here(io, git::write_objects(*found, merged->objects)));
        EXPECT_EQ(repo.git("cat-file", "blob", merged->tree.hex() + ":a.txt") + "\n",
                  numbers(1, 21, {{1, "ours"}}));
    }
}

} // namespace
} // namespace graftline::test
