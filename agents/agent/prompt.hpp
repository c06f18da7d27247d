/// What stands in an agent's prompt file.
#pragma once

#include "graftline/agents/agent/agent_environment.hpp"

#include <string>

namespace graftline::agents {

/// What a stage is asked: `asked` with its placeholders filled in; without that what its name says, `review`
/// and `plan`, or else the task's own prompt.
std::string stage_prompt(const agent_context& context, const std::string& asked);

/// The prompt with the rules of the house below it: where to work, what not to touch, what becomes of
/// uncommitted work, where the plan, the feedback and the result file are. For agents that are language
/// models (`wants_rules`); others get the bare prompt. `feedback` is what an earlier attempt or stage had to
/// say; empty for none.
std::string prompt_with_rules(const agent_context& context, const std::string& feedback);

} // namespace graftline::agents
