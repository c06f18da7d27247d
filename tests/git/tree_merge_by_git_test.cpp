// What git has to decide.
#include "tests/git/tree_merging.hpp"

namespace graftline::test {
namespace {

using git::oid;

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

} // namespace
} // namespace graftline::test
