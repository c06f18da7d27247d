#include "graftline/agents/agent/prompt.hpp"

#include "graftline/agents/text/placeholders.hpp"

namespace graftline::agents {
namespace {

constexpr std::string_view to_review =
    "Review the work that lies in this worktree, on the branch {branch}, against the task below. "
    "`git diff {base}` shows it, and `git status` what is not added yet. Change no file: say what you found. "
    "Approve only what does all that the task asks for, and nothing else.\n\n## The task\n\n{prompt}\n";
constexpr std::string_view to_plan =
    "Plan how to do the task below, and change no file. Your last message is the plan: it is handed to the "
    "one who does the task.\n\n## The task\n\n{prompt}\n";
constexpr std::string_view decision_form =
    "{\"decision\": \"approve|reject|request_changes|escalate\", \"summary\": \"...\"}\n";

std::string rules_for(const agent_context& c)
{
    std::string text =
        "- Work only in this worktree. Do not change files outside it; other agents work beside you.\n"
        "- Stay on this branch. Do not switch, merge, rebase or push.\n"
        "- Nobody can answer questions: decide, and say in your last message what you decided.\n"
        "- Finish the task before you end. What you leave uncommitted is committed for you";
    text += c.is_sandboxed ? ".\n"
                           : "; if you commit yourself, write `type(scope): description`, with a type such "
                             "as feat, fix, docs, "
                             "refactor, test or chore.\n";
    if (c.port_base && !c.is_sandboxed)
        text += "- Servers that you start listen on ports " + std::to_string(c.port_base) + " to " +
                std::to_string(c.port_base + 9) + " only.\n";
    return text;
}

std::string rule_for_result(const agent_context& c)
{
    if (c.result_file.empty()) return {};
    if (!c.decides)
        return "- When you review rather than build, write your decision to the file named by "
               "GRAFTLINE_RESULT: " +
               std::string(decision_form);
    return "- You decide whether the work is fit. Write your decision to the file " + c.result_file.string() +
           " (the environment variable GRAFTLINE_RESULT names it), and end your last message with the same, "
           "as one "
           "JSON object and nothing after it. Without a decision the work waits for a person. The form is " +
           std::string(decision_form);
}

} // namespace

std::string stage_prompt(const agent_context& c, const std::string& asked)
{
    auto values = placeholders_of(c);
    if (c.prompt.empty()) values["prompt"] = c.description;
    if (!asked.empty()) return fill_text(asked, values);
    if (c.stage == "review") return fill_text(to_review, values);
    if (c.stage == "plan") return fill_text(to_plan, values);
    return values["prompt"];
}

std::string prompt_with_rules(const agent_context& c, const std::string& feedback)
{
    std::string text = c.prompt.empty() ? c.description : c.prompt;
    if (!text.ends_with('\n')) text += '\n';
    if (!feedback.empty())
        text += "\n## What an earlier attempt or stage has to say\n\n" + feedback +
                (feedback.ends_with('\n') ? "" : "\n");

    text += "\n## Where you work\n\n";
    text += "- Task: " + c.id + (c.stage.empty() ? "" : ", stage " + c.stage) + "\n";
    text += "- Worktree: " + c.worktree.string() + " (a git worktree of its own)\n";
    text += "- Branch: " + c.branch + "\n";
    if (!c.plan.empty()) text += "- Plan: " + c.plan.string() + "\n";
    return text + "\n## Rules\n\n" + rules_for(c) + rule_for_result(c);
}

} // namespace graftline::agents
