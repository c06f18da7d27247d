#include "graftline/effects/tasks/lifecycle.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace graftline::effects {
namespace {

using enum task_state;

const std::vector<task_state> all{pending, running,   completed,  failed,
                                  merged,  discarded, conflicted, cancelled};

TEST(Lifecycle, NamesAreReadBack)
{
    for (auto state : all)
        EXPECT_EQ(state_named(to_string(state)), state);
    EXPECT_EQ(state_named("resting"), std::nullopt);
}

TEST(Lifecycle, WhatIsOverStaysOver)
{
    for (auto other : all) {
        EXPECT_EQ(may_become(discarded, other), other == discarded) << to_string(other);
        EXPECT_EQ(may_become(merged, other), other == merged || other == completed)
            << to_string(other) << ": only undoing leads back";
    }
}

TEST(Lifecycle, NothingIsMergedThatWasNotCompletedOrConflicted)
{
    for (auto from : all)
        EXPECT_EQ(may_become(from, merged), from == completed || from == conflicted || from == merged)
            << to_string(from);
}

TEST(Lifecycle, ARefusalNamesBothStates)
{
    const auto refused = check_transition("abc123", merged, running);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(errc::refused));
    const auto text = refused.error().message();
    EXPECT_NE(text.find("merged"), std::string::npos) << text;
    EXPECT_NE(text.find("running"), std::string::npos) << text;
    EXPECT_NE(text.find("abc123"), std::string::npos) << text;
}

struct row {
    operation asked;
    std::vector<task_state> allowed;
};

// F-010, with C-11 for discard and what a person may do by hand.
const std::vector<row> gating{
    {operation::start, {pending}},
    {operation::commit, {pending, running, completed, failed, conflicted, cancelled}},
    {operation::land, {completed, conflicted}},
    {operation::undo, {merged}},
    {operation::retry, {pending, failed, conflicted, cancelled}},
    {operation::cancel, {pending, running}},
    {operation::discard, {pending, completed, failed, conflicted, cancelled}},
    {operation::clean, {merged, discarded}},
};

TEST(Lifecycle, EachOperationHasItsStates)
{
    for (const auto& [asked, allowed] : gating)
        for (auto state : all) {
            const bool expected = std::find(allowed.begin(), allowed.end(), state) != allowed.end();
            const auto checked = check_operation("abc123", state, asked);
            EXPECT_EQ(checked.has_value(), expected) << to_string(asked) << " when " << to_string(state);
            if (!checked)
                EXPECT_FALSE(checked.error().advice().empty()) << to_string(asked) << " " << to_string(state);
        }
}

} // namespace
} // namespace graftline::effects
