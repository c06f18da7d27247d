#include "graftline/agents/agent/agent.hpp"
#include "graftline/agents/agent/agent_environment.hpp"
#include "graftline/agents/agent/ports.hpp"
#include "graftline/agents/agent/prompt.hpp"
#include "graftline/agents/text/placeholders.hpp"

#include "tests/support/processes.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace graftline::agents {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Agents, have_presets_that_keep_prompts_out_of_command_lines)
{
    EXPECT_THAT(agent_names({}), ElementsAre("aider", "claude", "codex", "gemini", "opencode"));
    for (const auto& [name, agent] : presets()) {
        EXPECT_EQ(agent.name, name);
        EXPECT_EQ(agent.command.front(), name);
        EXPECT_NE(agent.prompt, prompt_via::words) << name;
        EXPECT_FALSE(mentions(agent.command, "prompt")) << name;
        EXPECT_EQ(mentions(agent.command, "prompt_file"), agent.prompt == prompt_via::file) << name;
    }
}

TEST(Agents, are_found_by_name_configured_ones_first)
{
    agent_table configured;
    configured["claude"].command = {"other"};
    configured["mine"].command = {"mine"};
    EXPECT_EQ(find_agent("claude", configured)->command.front(), "other");
    EXPECT_EQ(find_agent("codex", configured)->command.front(), "codex");
    EXPECT_TRUE(is_agent("mine", configured));
    EXPECT_FALSE(is_agent("mine", {}));
    const auto why = find_agent("cluade", configured).error();
    EXPECT_TRUE(why.is(errc::not_found));
    EXPECT_THAT(why.message(), HasSubstr("there is no agent 'cluade'; did you mean 'claude'?"));
    EXPECT_THAT(why.message(), HasSubstr("gemini, mine, opencode"));
}

TEST(Agents, given_as_commands_take_prompts_as_their_words_say)
{
    EXPECT_EQ(agent_for_command({"./tools/my-agent", "{prompt}"}).name, "my-agent");
    EXPECT_EQ(agent_for_command({"a", "--x={task}"}).prompt, prompt_via::words);
    EXPECT_EQ(agent_for_command({"a", "{prompt_file}", "{task}"}).prompt, prompt_via::file);
    EXPECT_EQ(agent_for_command({"a"}).prompt, prompt_via::standard_input);
}

TEST(Placeholders, fill_words_without_making_more_of_them)
{
    const placeholder_values values{{"task", "a b'; $(rm -rf x) {id}"}, {"id", "t1"}, {"branch", "task/x"}};
    EXPECT_THAT(
        *fill_words({"run", "{task}", "--b={branch}-{id}", "{unknown}", "{}", "{id", "{{id}}", "${id}"},
                    values),
        ElementsAre("run", "a b'; $(rm -rf x) {id}", "--b=task/x-t1", "{unknown}", "{}", "{id", "{t1}",
                    "$t1"));
    EXPECT_THAT(*fill_words({"a {\"json\": \"{id}\"}"}, values), ElementsAre("a {\"json\": \"t1\"}"));
}

TEST(Placeholders, refuse_words_that_no_command_line_takes)
{
    const placeholder_values values{{"prompt", std::string(longest_word, 'x')}};
    EXPECT_TRUE(fill_words({"{prompt}"}, values));
    const auto why = fill_words({"-p={prompt}"}, values).error();
    EXPECT_THAT(why.message(), HasSubstr("{prompt_file}"));
    EXPECT_THAT(why.message(), Not(HasSubstr("xxxx"))) << "prompts are nobody's business";
}

agent_context full_context()
{
    agent_context c;
    c.id = "t1";
    c.key = "auth";
    c.description = "Add login\nwith 'quotes'";
    c.prompt = "Do it.";
    c.prompt_file = "/state/prompt.md";
    c.worktree = "/trees/login";
    c.branch = "task/login-t1";
    c.base = "abc";
    c.stage = "build";
    c.priority = 3;
    c.attempt = 2;
    c.port_base = 20010;
    c.temporary = "/state/tmp";
    c.result_file = "/state/result.json";
    c.git.drop = {"GIT_DIR"};
    c.git.set = {{"GIT_CEILING_DIRECTORIES", "/trees"}};
    return c;
}

TEST(AgentEnvironment, tells_the_task_and_hides_ours)
{
    auto c = full_context();
    c.extra = {{{"MODE", "agent"}, {"GRAFTLINE_TASK", "forged"}}, {{"MODE", "plan"}}};
    const auto all =
        agent_environment({"PATH=/bin", "GIT_DIR=/elsewhere", "TMPDIR=/tmp", "GRAFTLINE_STAGE=outer",
                           "OLDPWD=/x", "GRAFTLINE_PLAN=/outer", "ODD", "EQ=a=b"},
                          c);
    for (const char* entry :
         {"PATH=/bin", "EQ=a=b", "TMPDIR=/state/tmp", "GRAFTLINE_TASK_ID=t1", "GRAFTLINE_STAGE=build",
          "MODE=plan", "GRAFTLINE_TASK=Add login\nwith 'quotes'", "GRAFTLINE_ATTEMPT=2",
          "GRAFTLINE_PORT_BASE=20010", "GRAFTLINE_PROMPT_FILE=/state/prompt.md",
          "GRAFTLINE_WORKTREE=/trees/login", "GRAFTLINE_BASE=abc", "GRAFTLINE_BRANCH=task/login-t1",
          "GRAFTLINE_RESULT=/state/result.json", "GIT_CEILING_DIRECTORIES=/trees"})
        EXPECT_THAT(all, Contains(entry));
    for (const char* name : {"GIT_DIR=", "GRAFTLINE_PLAN=", "GRAFTLINE_FEEDBACK_FILE=", "OLDPWD=", "ODD"})
        EXPECT_FALSE(std::ranges::any_of(all, [&](const auto& e) { return e.starts_with(name); })) << name;
    EXPECT_TRUE(std::ranges::is_sorted(all));
}

TEST(AgentEnvironment, gives_every_placeholder)
{
    const auto values = placeholders_of(full_context());
    for (const char* name : {"id", "key", "task", "prompt", "prompt_file", "worktree", "branch", "base",
                             "plan", "stage", "priority"})
        EXPECT_TRUE(values.contains(name)) << name;
    EXPECT_EQ(values.at("task"), "Add login\nwith 'quotes'");
}

TEST(AgentEnvironment, refuses_variables_that_would_do_harm)
{
    EXPECT_FALSE(why_not_variable("API_KEY", "x"));
    EXPECT_FALSE(why_not_variable("GIT_AUTHOR_NAME", "Robot"));
    EXPECT_TRUE(why_not_variable("GIT_DIR", "x"));
    EXPECT_TRUE(why_not_variable("GRAFTLINE_X", "x"));
    EXPECT_TRUE(why_not_variable("A=B", "x"));
    EXPECT_TRUE(why_not_variable("", "x"));
    EXPECT_TRUE(why_not_variable("1A", "x"));
    EXPECT_TRUE(why_not_variable("A", std::string(longest_word, 'x')));
    EXPECT_TRUE(why_not_variable("A", std::string(1, '\0')));
}

TEST(Prompt, has_the_rules_of_the_house)
{
    const auto text = prompt_with_rules(full_context(), "The tests fail.");
    for (const char* part : {"Do it.\n", "The tests fail.", "/trees/login", "task/login-t1", "20010 to 20019",
                             "GRAFTLINE_RESULT", "stage build"})
        EXPECT_THAT(text, HasSubstr(part));
    EXPECT_TRUE(text.starts_with("Do it."));
}

TEST(Prompt, tells_an_agent_in_a_sandbox_nothing_that_it_may_not_do)
{
    auto c = full_context();
    c.is_sandboxed = true;
    const auto text = prompt_with_rules(c, "");
    EXPECT_THAT(text, Not(HasSubstr("20010")));
    EXPECT_THAT(text, Not(HasSubstr("type(scope)")));
    EXPECT_TRUE(presets().at("codex").is_sandboxed);
    EXPECT_FALSE(presets().at("claude").is_sandboxed);
}

TEST(Prompt, asks_a_stage_what_it_is_for)
{
    auto c = full_context();
    EXPECT_EQ(stage_prompt(c, ""), "Do it.") << "the name `build` says nothing else";
    EXPECT_EQ(stage_prompt(c, "{stage} of {id}: {prompt} {else}"), "build of t1: Do it. {else}");
    c.stage = "review";
    c.decides = true;
    const auto review = stage_prompt(c, "");
    for (const char* part : {"git diff abc", "Do it.", "Change no file"})
        EXPECT_THAT(review, HasSubstr(part));
    EXPECT_THAT(prompt_with_rules(c, ""), HasSubstr("end your last message with the same"));
    c.stage = "plan";
    c.prompt.clear();
    EXPECT_THAT(stage_prompt(c, ""), HasSubstr("Add login"));
    EXPECT_EQ(stage_prompt(c, std::string(2 * longest_word, 'x')).size(), 2 * longest_word);
}

/// Somebody who listens on a loopback port for as long as it lives.
class listener {
public:
    explicit listener(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        listens_ = ::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                   ::listen(socket_, 1) == 0;
    }
    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;
    ~listener() { ::close(socket_); }
    bool listens() const { return listens_; }

private:
    int socket_;
    bool listens_ = false;
};

TEST(Ports, are_ten_that_nobody_has)
{
    const int first = reserve_ports({}).value().first();
    const int second = reserve_ports({first}).value().first();
    EXPECT_GE(second, first + ports_in_block);
    EXPECT_EQ(first % 10, 0);
    const listener busy(first + 4);
    ASSERT_TRUE(busy.listens());
    EXPECT_NE(reserve_ports({}).value().first(), first);
}

TEST(Ports, are_the_machines_for_as_long_as_they_are_reserved)
{
    auto mine = reserve_ports({});
    const int first = mine.value().first();
    EXPECT_NE(reserve_ports({}).value().first(), first)
        << "as for another repository, whose store knows nothing";
    const auto again = reserve_ports_at(first);
    EXPECT_EQ(again.first(), first);
    std::set<int> others;
    for (int port = 20000; port < 32000; port += ports_in_block)
        if (port != first) others.insert(port);
    EXPECT_TRUE(reserve_ports(others).error().is(errc::busy)) << "it is reserved";
    mine = fault(errc::busy, "");
    // Another test's graftline may have it for a moment.
    EXPECT_TRUE(test::soon([&] { return reserve_ports(others).has_value(); }));
}

TEST(Ports, run_out)
{
    std::set<int> all;
    for (int port = 20000; port < 32000; port += 10)
        all.insert(port);
    EXPECT_TRUE(reserve_ports(all).error().is(errc::busy));
}

} // namespace
} // namespace graftline::agents
