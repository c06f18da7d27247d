#include "graftline/agents/config/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace graftline::agents {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

std::string why_not(std::string_view text, std::string_view file = "plan.json", const agent_known& known = {})
{
    const auto read = parse_plan(text, file, known);
    return read ? "it was read" : read.error().message();
}

/// A plan of one task that has `more` beside its description.
std::string one(const std::string& more)
{
    return "{\"tasks\": [\n{\"description\": \"x\", " + more + "}]}";
}

TEST(Plan, says_of_a_stage_what_it_is_asked_and_whether_it_decides)
{
    const auto p =
        parse_plan(R"({"tasks": [{"description": "x", "stages": [{"name": "write", "prompt": "Do {task}."},
                               {"name": "review"}, {"name": "audit", "decides": true}]}]})",
                   "p.json")
            .value();
    const auto& stages = p.tasks.at(0).stages;
    EXPECT_EQ(stages.at(0).prompt, "Do {task}.");
    EXPECT_FALSE(stages.at(0).decides);
    EXPECT_TRUE(stages.at(1).decides) << "that is what a review is for";
    EXPECT_TRUE(stages.at(2).decides);
    const auto no =
        parse_plan(R"({"tasks": [{"description": "x", "stages": [{"name": "review", "decides": false}]}]})",
                   "p.json")
            .value();
    EXPECT_FALSE(no.tasks.at(0).stages.at(0).decides);
}

TEST(Plan, is_read_whole_from_json)
{
    const auto p = parse_plan(R"({"target": "main", "max": 5, "gate": ["./dev", "test"],
        "tasks": [{"id": "schema", "description": "Make the schema"},
                  {"id": "auth", "description": "Auth", "prompt": "Long text", "agent": "claude", "after": ["schema", "schema"],
                   "files": ["./src/auth/", "*.sql"], "priority": 10, "timeout": "30m", "env": {"MODE": "x"},
                   "metadata": {"jira": [1, {"a": null}]},
                   "stages": [{"name": "analyze", "agent": "analyzer"}, {"name": "build"}]}]})",
                              "plan.json")
                       .value();
    EXPECT_EQ(p.target, "main");
    EXPECT_EQ(p.max, 5U);
    EXPECT_THAT(p.gates, ElementsAre(ElementsAre("./dev", "test")));
    ASSERT_EQ(p.tasks.size(), 2U);
    const auto& t = p.tasks[1];
    EXPECT_EQ(t.id, "auth");
    EXPECT_EQ(t.prompt, "Long text");
    EXPECT_THAT(t.after, ElementsAre("schema"));
    EXPECT_THAT(t.files, ElementsAre("src/auth", "*.sql"));
    EXPECT_EQ(t.priority, 10);
    EXPECT_EQ(t.timeout, 30min);
    EXPECT_EQ(t.env.at("MODE"), "x");
    EXPECT_EQ(t.metadata.at("jira").as_array().size(), 2U);
    ASSERT_EQ(t.stages.size(), 2U);
    EXPECT_EQ(t.stages[0].agent, "analyzer");
    EXPECT_EQ(t.stages[1].name, "build");
}

TEST(Plan, is_read_from_toml_too)
{
    const auto p = parse_plan("gate = 'make test'\n[[tasks]]\ndescription = 'One'\ntimeout = 90\n[[tasks]]\n"
                              "description = 'Two'\nafter = ['task-1']\n[[tasks.stages]]\nname = 'build'\n",
                              "p.toml")
                       .value();
    EXPECT_THAT(p.gates, ElementsAre(ElementsAre("make", "test")));
    EXPECT_EQ(p.tasks[0].id, "task-1");
    EXPECT_EQ(p.tasks[0].timeout, 90s);
    EXPECT_THAT(p.tasks[1].after, ElementsAre("task-1"));
    EXPECT_EQ(p.tasks[1].stages.size(), 1U);
}

TEST(Plan, gates_may_be_several)
{
    const auto p =
        parse_plan(R"({"gate": [["make"], "make 'the test'"], "tasks": [{"description": "x"}]})", "p.json")
            .value();
    EXPECT_THAT(p.gates, ElementsAre(ElementsAre("make"), ElementsAre("make", "the test")));
}

TEST(Plan, refuses_unknown_keys_and_names_the_near_one)
{
    EXPECT_EQ(why_not(one("\"afterr\": []")),
              "plan.json:2:22: unknown key 'afterr' in a task; did you mean 'after'?");
    EXPECT_EQ(why_not("{\"task\": [], \"tasks\": [{\"description\": \"x\"}]}"),
              "plan.json:1:2: unknown key 'task'; did you mean 'tasks'?");
    EXPECT_THAT(why_not(one("\"stages\": [{\"name\": \"a\", \"agnt\": \"b\"}]")),
                HasSubstr("'agnt' in a stage; did you mean 'agent'?"));
}

TEST(Plan, refuses_wrong_types_and_values)
{
    EXPECT_THAT(why_not(one("\"id\": 7")), HasSubstr("2:28: 'id' in a task must be a string, not a number"));
    EXPECT_THAT(why_not(one("\"id\": \"a b\"")), HasSubstr("without blanks"));
    EXPECT_THAT(why_not(one("\"after\": \"a\"")), HasSubstr("must be a list of strings"));
    EXPECT_THAT(why_not(one("\"timeout\": \"soon\"")), HasSubstr("'soon' is not a duration"));
    EXPECT_THAT(why_not(one("\"priority\": 1.5")), HasSubstr("whole number"));
    EXPECT_THAT(why_not(one("\"files\": [\"ok\", \"src/[a\"]")),
                HasSubstr("2:38: 'files' in a task is wrong: 'src/[a' is not a glob"));
    EXPECT_THAT(why_not(one("\"env\": {\"GIT_DIR\": \"/x\"}")),
                HasSubstr("'env.GIT_DIR' in a task would lead git out"));
    EXPECT_THAT(why_not(one("\"env\": {\"A\": 1}")), HasSubstr("'env.A' in a task must be a string"));
    EXPECT_THAT(why_not("{\"max\": 0, \"tasks\": [{\"description\": \"x\"}]}"),
                HasSubstr("from 1 to 1000, not 0"));
    EXPECT_THAT(why_not("{\"gate\": [], \"tasks\": 5}"), HasSubstr("'tasks' must be a list"));
    EXPECT_THAT(why_not("{\"tasks\": [5]}"), HasSubstr("a task must be a table, not a number"));
    EXPECT_THAT(why_not("{\"tasks\": [{}]}"), HasSubstr("has no 'description'"));
    EXPECT_THAT(why_not("{\"tasks\": [{\"description\": \"\\u001b\"}]}"), HasSubstr("control character"));
    EXPECT_THAT(why_not("{}"), HasSubstr("no task in the plan"));
    EXPECT_THAT(why_not("{\"tasks\": []}"), HasSubstr("no task in the plan"));
    EXPECT_THAT(why_not("[]"), HasSubstr("the file must be a table"));
    EXPECT_THAT(why_not("tasks = 1", "p.toml"), HasSubstr("p.toml:1:9"));
}

TEST(Plan, refuses_ids_that_are_twice_or_unknown)
{
    EXPECT_EQ(why_not("{\"tasks\": [{\"id\": \"a\", \"description\": \"x\"},\n{\"id\": \"a\", "
                      "\"description\": \"y\"}]}"),
              "plan.json:2:8: 'id' in a task is there twice: 'a'");
    EXPECT_EQ(
        why_not("{\"tasks\": [{\"id\": \"schema\", \"description\": \"x\"},\n{\"description\": \"y\", "
                "\"after\": [\"shcema\"]}]}"),
        "plan.json:2:32: 'after' names a task that is not in the plan: 'shcema'; did you mean 'schema'?");
}

TEST(Plan, refuses_cycles_and_names_them)
{
    const auto why = why_not(
        R"({"tasks": [{"id": "a", "description": "x", "after": ["c"]}, {"id": "b", "description": "x", "after": ["a"]},
        {"id": "c", "description": "x", "after": ["b"]}, {"id": "d", "description": "x", "after": ["c"]}]})");
    EXPECT_THAT(why, HasSubstr("plan.json:1:"));
    EXPECT_THAT(why, HasSubstr("wait for each other: a comes after c comes after b comes after a"));
    EXPECT_THAT(why_not(one("\"id\": \"me\", \"after\": [\"me\"]")), HasSubstr("me comes after me"));
}

TEST(Plan, refuses_agents_that_nobody_knows)
{
    const agent_known known = [](std::string_view name) { return name == "claude"; };
    EXPECT_EQ(why_not(one("\"agent\": \"claude\""), "plan.json", known), "it was read");
    EXPECT_THAT(why_not(one("\"agent\": \"clod\""), "plan.json", known),
                HasSubstr("2:31: 'agent' in a task names no agent: 'clod'"));
    EXPECT_THAT(why_not(one("\"stages\": [{\"name\": \"a\", \"agent\": \"b\"}]"), "plan.json", known),
                HasSubstr("a stage names no agent: 'b'"));
}

TEST(Plan, tells_the_first_of_several_mistakes)
{
    EXPECT_THAT(why_not("{\"tasks\": [{\"description\": \"x\", \"bad1\": 1}],\n\"bad2\": 2}"),
                HasSubstr("bad1"));
}

TEST(Plan, of_a_thousand_tasks_in_a_row_is_read_quickly)
{
    std::string text = "{\"tasks\": [{\"id\": \"t0\", \"description\": \"x\"}";
    for (int i = 1; i < 1000; ++i)
        text += ",{\"id\": \"t" + std::to_string(i) + "\", \"description\": \"x\", \"after\": [\"t" +
                std::to_string(i - 1) + "\"]}";
    EXPECT_EQ(parse_plan(text + "]}", "p.json").value().tasks.size(), 1000U);
}

std::string plan_of(std::size_t tasks, const std::function<std::string(std::size_t)>& after)
{
    std::string text;
    for (std::size_t i = 0; i < tasks; ++i)
        text += (text.empty() ? "{\"tasks\": [" : ",\n") +
                ("{\"id\": \"t" + std::to_string(i) + "\", \"description\": \"x\", \"after\": [" + after(i) +
                 "]}");
    return text + "]}";
}

std::string quoted_id(std::size_t i)
{
    return "\"t" + std::to_string(i) + "\"";
}

// Each look over what is left would find one task more that can start.
TEST(Plan, of_many_tasks_in_the_wrong_order_is_read)
{
    constexpr std::size_t many = 8000;
    const auto next = [](std::size_t i) { return i + 1 < many ? quoted_id(i + 1) : ""; };
    EXPECT_EQ(parse_plan(plan_of(many, next), "p.json").value().tasks.size(), many);
    const auto round = [](std::size_t i) { return quoted_id((i + 1) % many); };
    EXPECT_THAT(why_not(plan_of(many, round)), HasSubstr("t0 comes after t1 comes after t2"));
}

// For each name that is not there, all others would be compared with it.
TEST(Plan, with_many_mistakes_tells_the_first)
{
    constexpr std::size_t many = 8000;
    const auto unknown = [](std::size_t i) { return "\"u" + std::to_string(i) + "\""; };
    EXPECT_THAT(why_not(plan_of(many, unknown)), HasSubstr("plan.json:1:"));
    EXPECT_THAT(why_not(plan_of(many, unknown)), HasSubstr("'u0'; did you mean 't0'?"));
    std::string keys;
    for (std::size_t i = 0; i < 50'000; ++i)
        keys += ",\"k" + std::to_string(i) + "\": 1";
    EXPECT_THAT(why_not("{\"tasks\": [{\"description\": \"x\"" + keys + "}]}"),
                HasSubstr("unknown key 'k0'"));
}

TEST(Plan, says_which_file_is_not_there)
{
    EXPECT_TRUE(load_plan("/nowhere/plan.json").error().is(errc::not_found));
    EXPECT_TRUE(load_plan("/tmp").error().is(errc::invalid));
}

} // namespace
} // namespace graftline::agents
