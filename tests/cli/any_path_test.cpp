// A repository may lie anywhere, whatever the names of the folders above it.
#include "tests/cli/program.hpp"
#include <gtest/gtest.h>

namespace graftline::test {
namespace {

TEST(any_path, every_command_works_below_a_folder_of_any_name)
{
    for (const std::string name :
         {"two\nlines", "quotes ' and \"", "back\\slash", "b\xff\xfe", "-dash", "tab\t"}) {
        SCOPED_TRACE(name);
        desk d;
        const auto top = d.repository.root() / name;
        d.repository.git("clone", "-q", d.repository.top().string(), top.string());
        const auto git = [&](std::vector<std::string> words) { return try_git(top, std::move(words)).out; };
        const auto graftline = [&](std::vector<std::string> words) {
            const auto told = d.graftline_in(top, words);
            EXPECT_EQ(told.status, 0) << words.front() << ": " << told.err;
            return told;
        };
        graftline({"run", "Landed", "--land", "--", "sh", "-c", "echo one > one.txt"});
        EXPECT_EQ(git({"show", "HEAD:one.txt"}), "one");
        graftline({"run", "Kept", "--", "sh", "-c", "echo two > two.txt"});
        graftline({"run", "Given up", "--", "sh", "-c", "echo three > three.txt"});
        const auto tasks = graftline({"status", "--all", "--json"}).json().at("tasks").as_array();
        ASSERT_EQ(tasks.size(), 3u);
        const std::string kept(tasks[1].at("id").as_string()), given_up(tasks[2].at("id").as_string());
        for (const char* command : {"diff", "logs", "land", "undo"})
            graftline({command, kept});
        graftline({"check"});
        graftline({"discard", given_up});
        EXPECT_EQ(try_git(top, {"cat-file", "-e", "refs/graftline/rescue/" + given_up + "/1:three.txt"}).ok,
                  true);
        graftline({"clean"});
        EXPECT_EQ(git({"status", "--porcelain"}), "");
        EXPECT_EQ(git({"worktree", "list", "--porcelain", "-z"}).find("prunable"), std::string::npos);
    }
}

} // namespace
} // namespace graftline::test
