// What is shown to users as an example must be valid.
#include "graftline/agents/config/plan.hpp"
#include "graftline/agents/config/settings.hpp"

#include "tests/support/built.hpp"
#include <gtest/gtest.h>

namespace graftline::agents {
namespace {

const std::filesystem::path examples = test::examples_folder();

TEST(Examples, settings_are_valid)
{
    const auto s = load_settings(examples / "graftline.toml", "/nowhere").value();
    EXPECT_EQ(s.run.max, 5U);
    EXPECT_EQ(s.agents.at("mine").prompt, prompt_via::file);
    EXPECT_EQ(s.agents.at("reviewer").prompt, prompt_via::standard_input);
    EXPECT_EQ(s.agents.at("claude").command.back(), "opus");
}

TEST(Examples, settings_show_every_key)
{
    const auto s = load_settings(examples / "graftline.toml", "/nowhere").value();
    const auto& [max, base, target, land, on_overlap, on_conflict, agent, profile, timeout, attempt, idle,
                 grace, fail_fast, keep, durability, attempts, patience, backoff] = s.run;
    EXPECT_TRUE(max && base && target && land && on_overlap && on_conflict && agent && profile && timeout &&
                attempt && idle && patience && grace && fail_fast && keep && durability && attempts &&
                backoff);
    EXPECT_TRUE(s.worktree.path && s.worktree.branch && !s.worktree.copy.empty() && !s.worktree.link.empty());
    EXPECT_TRUE(s.worktree.timeout && s.git.timeout);
    EXPECT_TRUE(s.commit.type && s.commit.scope && !s.commit.trailers.empty());
    EXPECT_TRUE(s.landing.merge_message && s.landing.squash_message && s.landing.into &&
                s.landing.fast_forward && s.landing.resolver && s.landing.resolutions);
    EXPECT_TRUE(s.gate.speculate && s.gate.share && s.gate.timeout);
    EXPECT_TRUE(s.limits.cpu && s.limits.memory && s.limits.disk_free && s.limits.log);
    EXPECT_TRUE(s.clean.days && s.clean.bytes);
    EXPECT_EQ(s.gate.commands.size(), 2U);
}

TEST(Examples, plan_is_valid)
{
    const auto p = load_plan(examples / "plan.toml", [](std::string_view name) {
                       return presets().contains(name);
                   }).value();
    ASSERT_EQ(p.tasks.size(), 3U);
    EXPECT_EQ(p.tasks[2].stages.size(), 2U);
    EXPECT_EQ(p.gates.size(), 1U);
}

} // namespace
} // namespace graftline::agents
