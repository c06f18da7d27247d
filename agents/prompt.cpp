#include "graftline/agents/prompt.hpp"

namespace graftline::agents {

std::string prompt_with_rules(const agent_context& c, const std::string& feedback)
{
    std::string text = c.prompt.empty() ? c.description : c.prompt;
    if (!text.ends_with('\n')) text += '\n';
    if (!feedback.empty())
        text += "\n## What an earlier attempt has to hear\n\n" + feedback +
                (feedback.ends_with('\n') ? "" : "\n");

    text += "\n## Where you work\n\n";
    text += "- Task: " + c.id + (c.stage.empty() ? "" : ", stage " + c.stage) + "\n";
    text += "- Worktree: " + c.worktree.string() + " (a git worktree of its own)\n";
    text += "- Branch: " + c.branch + "\n";
    if (!c.plan.empty()) text += "- Plan: " + c.plan.string() + "\n";
    text +=
        "\n## Rules\n\n"
        "- Work only in this worktree. Do not change files outside it; other agents work beside you.\n"
        "- Stay on this branch. Do not switch, merge, rebase or push.\n"
        "- Nobody can answer questions: decide, and say in your last message what you decided.\n"
        "- Finish the task before you end. What you leave uncommitted is committed for you; if you commit "
        "yourself, "
        "write `type(scope): description`, with a type such as feat, fix, docs, refactor, test or chore.\n";
    if (c.port_base)
        text += "- Servers that you start listen on ports " + std::to_string(c.port_base) + " to " +
                std::to_string(c.port_base + 9) + " only.\n";
    if (!c.result_file.empty())
        text +=
            "- When you review rather than build, write your decision to the file named by GRAFTLINE_RESULT: "
            "{\"decision\": \"approve|reject|request_changes|escalate\", \"summary\": \"...\"}\n";
    return text;
}

} // namespace graftline::agents
