#include "tests/git/tree_merging.hpp"

#include "graftline/git/merge/merge_contents.hpp"

namespace graftline::test {

using git::merge_outcome;
using git::oid;

std::string numbers(int from, int to, const std::map<int, std::string>& instead)
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

void tree_merging::SetUp()
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

awaitable<result<merge_outcome>> tree_merging::merge_here(oid one, oid other)
{
    if (!found) found = (co_await git::repository::discover(repo.top())).value();
    co_return co_await git::merge_commits(*found, one, other);
}

result<merge_outcome> tree_merging::merge(const oid& one, const oid& other)
{
    return run_here(io, merge_here(one, other));
}

std::vector<oid> tree_merging::import() const
{
    history_importer importer;
    const int first = importer.commit(base, {});
    const int one = importer.commit(ours, {first});
    const int other = importer.commit(theirs, {first});
    const auto ids = importer.run(repo);
    return {ids.at(first), ids.at(one), ids.at(other)};
}

void tree_merging::expect_gits_answer(const oid& one, const oid& other, decided where)
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

void tree_merging::expect_gits_answer(decided where)
{
    const auto ids = import();
    expect_gits_answer(ids[2], ids[1], where);
    expect_gits_answer(ids[1], ids[2], where);
}

} // namespace graftline::test
