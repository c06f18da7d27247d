// Names, words and messages that are not UTF-8: they are somebody's, and cost nothing.
#include "graftline/runtime/base/json_text.hpp"

#include "tests/cli/program.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// Every command that reads works, and one that changes something finds nothing to mend.
void expect_whole(desk& d)
{
    const auto status = d.graftline({"status", "--json"});
    EXPECT_EQ(status.status, 0) << status.err;
    const auto document = parse_json(status.out); // which may be deeper than a parser takes by default
    ASSERT_TRUE(document) << document.error().message();
    EXPECT_TRUE(document->at("unreadable").as_array().empty());
    for (const auto& words :
         std::vector<std::vector<std::string>>{{"status"}, {"events", "--json"}, {"clean"}}) {
        const auto answer = d.graftline(words);
        EXPECT_EQ(answer.status, 0) << words[0] << answer.err;
        EXPECT_THAT(answer.err, testing::Not(HasSubstr("damaged"))) << words[0];
    }
    for (const auto& entry : fs::directory_iterator(d.repository.git_folder() / "graftline"))
        EXPECT_THAT(entry.path().filename().string(), testing::Not(HasSubstr("corrupt")));
}

TEST(any_bytes, a_file_name_lands)
{
    desk d;
    const std::string name = "caf\xE9.txt";
    const auto agent = d.script("agent", "echo x > \"$(printf 'caf\\351.txt')\"\n");
    const auto answer = d.graftline({"run", "Latin", "--land", "--json", "--", agent});
    EXPECT_EQ(answer.status, 0) << answer.err;
    const auto task = answer.json().at("tasks").at(0);
    EXPECT_EQ(task.at("state"), "merged");
    EXPECT_EQ(bytes_of(task.at("files").at(0).as_string()), name);
    EXPECT_TRUE(fs::exists(d.repository.top() / name));
    expect_whole(d);
}

TEST(any_bytes, words_of_a_hook_may_be_cut_anywhere)
{
    for (const std::string before : {"", "a", "ab"}) {
        desk d;
        const auto hook = d.repository.git_folder() / "hooks" / "pre-commit";
        fs::create_directories(hook.parent_path());
        std::string crosses;
        for (int i = 0; i < 2000; ++i)
            crosses += "✖";
        write_file(hook, "#!/bin/sh\necho '" + before + crosses + "' >&2\nexit 1\n");
        fs::permissions(hook, fs::perms::owner_all);
        const auto agent = d.script("agent", "echo x > x.txt\n");
        const auto answer = d.graftline({"run", "One", "--land", "--json", "--", agent});
        EXPECT_EQ(answer.status, 1) << answer.err;
        const auto task = answer.json().at("tasks").at(0);
        EXPECT_THAT(std::string(task.at("reason").as_string()), HasSubstr("✖"));
        EXPECT_EQ(bytes_of(task.at("reason").as_string()), task.at("reason").as_string())
            << "cut between characters";
        expect_whole(d);
    }
}

TEST(any_bytes, an_agents_words_reach_it)
{
    desk d;
    const auto answer =
        d.graftline({"run", "One", "--land", "--json", "--", "sh", "-c", "echo x > \"$0\"", "\xE9.txt"});
    EXPECT_EQ(answer.status, 0) << answer.err;
    EXPECT_TRUE(fs::exists(d.repository.top() / "\xE9.txt"));
    expect_whole(d);
}

TEST(any_bytes, a_repositorys_folder)
{
    desk d;
    const auto folder = d.repository.top() / "sub" / "d\xE9p\xF4t";
    fs::create_directories(folder);
    d.repository.git("init", "-q", "-b", "main", folder.string());
    d.repository.git("-C", folder.string(), "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q",
                     "--allow-empty", "-m", "first");
    const auto ran =
        d.graftline_in(folder, {"run", "One", "--land", "--json", "--", "sh", "-c", "echo x > x.txt"});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(ran.json().at("tasks").at(0).at("state"), "merged");
    for (const auto& words :
         std::vector<std::vector<std::string>>{{"status", "--json"}, {"status"}, {"clean"}}) {
        const auto answer = d.graftline_in(folder, words);
        EXPECT_EQ(answer.status, 0) << answer.err;
    }
    EXPECT_EQ(d.graftline_in(folder, {"status", "--json"}).json().at("tasks").at(0).at("state"), "merged");
}

TEST(any_bytes, plans_may_be_deep)
{
    desk d;
    const std::string deep = std::string(40, '[') + std::string(40, ']');
    write_file(d.repository.top() / "plan.toml",
               "[[tasks]]\nid = \"a\"\ndescription = \"One\"\nmetadata = { x = " + deep + " }\n");
    write_file(d.repository.top() / "plan.json",
               R"({"tasks": [{"id": "b", "description": "Two", "metadata": {"x": )" + deep + "}}]}");
    for (const auto* plan : {"plan.toml", "plan.json"}) {
        const auto answer =
            d.graftline({"run", "--from", plan, "--json", "--", "sh", "-c", "echo x > $GRAFTLINE_TASK_ID"});
        EXPECT_EQ(answer.status, 0) << answer.err;
    }
    expect_whole(d);
}

} // namespace
} // namespace graftline::test
