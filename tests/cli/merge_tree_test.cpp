#include "graftline/git/repository/quoted_path.hpp"
#include "graftline/runtime/process/conversation.hpp"

#include "tests/cli/program.hpp"
#include "tests/support/built.hpp"
#include "tests/support/hang_guard.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// A repository with a conflict between `main` and `topic`, and none between `main` and `fine`.
class merge_tree : public testing::Test {
protected:
    void SetUp() override
    {
        d.repository.commit_file("a b.txt", "1\n2\n3\n");
        for (const char* branch : {"topic", "fine"})
            d.repository.git("branch", branch);
        change("topic", "a b.txt", "1\ntopic\n3\n");
        change("topic", "\xc3\xa4.txt", "topic\n");
        change("fine", "fine.txt", "fine\n");
        change("main", "a b.txt", "1\nmain\n3\n");
        change("main", "\xc3\xa4.txt", "main\n");
    }
    void change(const std::string& branch, const std::string& file, const std::string& text)
    {
        d.repository.git("switch", "--quiet", branch);
        d.repository.commit_file(file, text);
        d.repository.git("switch", "--quiet", "main");
    }
    std::string gits_tree(const std::string& ours, const std::string& theirs)
    {
        return d.repository.git("merge-tree", "--write-tree", ours, theirs);
    }
    said feed(std::string lines)
    {
        auto prepared = d.prepared(d.repository.top(), {"merge-tree", "--stdin"});
        prepared.feed(std::move(lines));
        const auto output = run_here(run(std::move(prepared))).value();
        return {shell_code(output.status), output.out, output.err};
    }

    desk d;
};

TEST_F(merge_tree, prints_the_tree_which_is_then_there)
{
    const auto answer = d.graftline({"merge-tree", "main", "fine"});
    EXPECT_EQ(answer.status, 0) << answer.err;
    ASSERT_EQ(answer.out.size(), 41u);
    EXPECT_EQ(d.repository.git("cat-file", "-t", answer.out.substr(0, 40)), "tree");
    EXPECT_EQ(answer.out, gits_tree("main", "fine") + "\n");
}

TEST_F(merge_tree, prints_conflicting_paths_and_exits_with_1)
{
    const auto answer = d.graftline({"merge-tree", "main", "topic"});
    EXPECT_EQ(answer.status, 1) << answer.err;
    EXPECT_EQ(answer.out, "a b.txt\n\"\\303\\244.txt\"\n");
    d.repository.git("config", "core.quotePath", "false");
    EXPECT_EQ(d.graftline({"merge-tree", "main", "topic"}).out, "a b.txt\n\xc3\xa4.txt\n");
}

TEST_F(merge_tree, says_what_is_wrong)
{
    const auto unknown = d.graftline({"merge-tree", "main", "nothing"});
    EXPECT_EQ(unknown.status, 2);
    EXPECT_THAT(unknown.err, HasSubstr("nothing"));
    EXPECT_EQ(unknown.out, "");
    EXPECT_EQ(d.graftline({"merge-tree", "main"}).status, 2);
    EXPECT_EQ(d.graftline({"merge-tree", "main", "fine", "--stdin"}).status, 2);
    const auto alone = d.repository.git("commit-tree", "-m", "alone", "main^{tree}");
    const auto unrelated = d.graftline({"merge-tree", "main", alone});
    EXPECT_EQ(unrelated.status, 3) << "1 would be a conflict";
    EXPECT_THAT(unrelated.err, HasSubstr("unrelated histories"));
    EXPECT_EQ(d.graftline_in(d.repository.root(), {"merge-tree", "main", "fine"}).status, 3);
}

TEST_F(merge_tree, answers_lines_in_order)
{
    const auto alone = d.repository.git("commit-tree", "-m", "alone", "main^{tree}");
    const auto answer =
        feed("main fine\nmain topic\n\nmain nothing\nmain " + alone + "\n fine\tmain \nfine fine");
    EXPECT_EQ(answer.status, 1);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < answer.out.size(); at = answer.out.find('\n', at) + 1)
        lines.push_back(answer.out.substr(at, answer.out.find('\n', at) - at));
    ASSERT_EQ(lines.size(), 7u) << answer.out;
    EXPECT_EQ(lines[0], gits_tree("main", "fine"));
    EXPECT_EQ(lines[1], "conflict \"a b.txt\" \"\\303\\244.txt\"");
    EXPECT_THAT(lines[2], StartsWith("error "));
    EXPECT_THAT(lines[3], HasSubstr("nothing"));
    EXPECT_THAT(lines[4], HasSubstr("unrelated histories"));
    EXPECT_EQ(lines[5], gits_tree("fine", "main"));
    EXPECT_EQ(lines[6], d.repository.git("rev-parse", "fine^{tree}"));
    EXPECT_EQ(feed("").status, 0);
    EXPECT_EQ(feed("main topic\n").status, 0) << "a conflict is an answer";
}

TEST_F(merge_tree, answers_each_line_as_it_comes)
{
    auto talk = [](command prepared) -> awaitable<void> {
        auto child = (co_await conversation::start(std::move(prepared))).value();
        for (int n = 0; n < 3; ++n) {
            EXPECT_TRUE(co_await child->say("main fine\n"));
            const auto line = co_await child->hear_line();
            EXPECT_TRUE(line && line->size() == 40);
        }
        EXPECT_TRUE((co_await child->finish()).value().ok());
    };
    run_here(talk(d.prepared(d.repository.top(), {"merge-tree", "--stdin"})));
}

TEST_F(merge_tree, reads_a_file_and_dev_null)
{
    write_file(d.repository.root() / "lines", "main fine\nfine main\n");
    for (const auto& [file, lines] : {std::pair<std::string, std::size_t>{"../lines", 2}, {"/dev/null", 0}}) {
        command shell("sh");
        shell.args("-c", test::built_program() + " merge-tree --stdin < " + file);
        shell.in(d.repository.top());
        const auto output = run_here(run(std::move(shell))).value();
        EXPECT_TRUE(output.ok()) << output.err;
        EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(output.out, '\n')), lines);
    }
}

TEST(quoted_path, is_as_git_quotes)
{
    EXPECT_EQ(git::quoted_path("plain/a b.txt"), "plain/a b.txt");
    EXPECT_EQ(git::quoted_path("a b", true, true), "\"a b\"");
    EXPECT_EQ(git::quoted_path("tab\there"), "\"tab\\there\"");
    EXPECT_EQ(git::quoted_path("\x01\x7f\"\\\n\v"), "\"\\001\\177\\\"\\\\\\n\\v\"");
    EXPECT_EQ(git::quoted_path("\xc3\xa4"), "\"\\303\\244\"");
    EXPECT_EQ(git::quoted_path("\xc3\xa4", false), "\xc3\xa4");
}

} // namespace
} // namespace graftline::test
