// What is decided here.
#include "tests/git/tree_merging.hpp"

namespace graftline::test {
namespace {

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

} // namespace
} // namespace graftline::test
