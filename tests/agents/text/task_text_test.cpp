#include "graftline/agents/text/task_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::agents {
namespace {

using testing::HasSubstr;

bool known(std::string_view name)
{
    return name == "claude" || name == "security-specialist" || name == "8080";
}

task_text read(std::string_view text)
{
    return parse_task_text(text, known).value();
}

TEST(TaskText, takes_a_known_agent_after_the_last_colon)
{
    const auto task = read("Fix XSS: in forms:security-specialist");
    EXPECT_EQ(task.description, "Fix XSS: in forms");
    EXPECT_EQ(task.agent, "security-specialist");
    EXPECT_EQ(read(" Fix it :claude ").description, "Fix it");
}

TEST(TaskText, leaves_colons_that_name_no_agent)
{
    for (const char* text : {"ENG-123: Add feature", "see http://localhost:9090", "Fix XSS:unknown-agent",
                             "trailing:", "ask this: claude", "a:b:c"}) {
        EXPECT_EQ(read(text).description, text);
        EXPECT_EQ(read(text).agent, "") << text;
    }
}

TEST(TaskText, a_backslash_keeps_the_name)
{
    EXPECT_EQ(read("describe the agent\\:claude").description, "describe the agent:claude");
    EXPECT_EQ(read("describe the agent\\:claude").agent, "");
    EXPECT_EQ(read("keep \\:this").description, "keep \\:this") << "nothing to keep from being an agent";
}

TEST(TaskText, takes_long_and_colourful_texts)
{
    EXPECT_EQ(read(std::string(10'000, 'x')).description.size(), 10'000U);
    EXPECT_EQ(read("🚀 ship\tit\r\nsecond line").description, "🚀 ship\tit\nsecond line");
}

TEST(TaskText, refuses_what_is_no_text)
{
    auto why = [](std::string_view text) { return parse_task_text(text, known).error().message(); };
    EXPECT_THAT(why("  \n"), HasSubstr("empty"));
    EXPECT_THAT(why(":claude"), HasSubstr("empty"));
    EXPECT_THAT(why("red \x1B[31m"), HasSubstr("control character (U+001B) at byte 5"));
    EXPECT_THAT(why("c1 \u0085"), HasSubstr("U+0085"));
    EXPECT_THAT(why("bad \xFF"), HasSubstr("not UTF-8 text at byte 5"));
    EXPECT_THAT(why(std::string(100'001, 'x')), HasSubstr("prompt"));
    EXPECT_THAT(why(std::string("nul\0l", 5)), HasSubstr("U+0000"));
}

TEST(TaskList, skips_comments_and_blank_lines)
{
    const auto tasks = parse_task_list("\xEF\xBB\xBF# tasks\n\nAdd login:claude\r\n  # indented\nFix #789\n",
                                       "tasks.txt", known)
                           .value();
    ASSERT_EQ(tasks.size(), 2U);
    EXPECT_EQ(tasks[0].description, "Add login");
    EXPECT_EQ(tasks[0].agent, "claude");
    EXPECT_EQ(tasks[1].description, "Fix #789");
}

TEST(TaskList, names_file_and_line)
{
    EXPECT_THAT(parse_task_list("ok\n\n:claude\n", "tasks.txt", known).error().message(),
                HasSubstr("tasks.txt:3: the task is empty"));
    EXPECT_THAT(parse_task_list("# nothing\n", "tasks.txt", known).error().message(), HasSubstr("no task"));
}

} // namespace
} // namespace graftline::agents
