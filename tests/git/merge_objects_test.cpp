// What a merge reads and writes, and how it is asked for.
#include "tests/git/tree_merging.hpp"

namespace graftline::test {
namespace {

using git::merge_outcome;
using git::oid;

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
