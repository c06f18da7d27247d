#include "graftline/effects/worktree_command.hpp"

#include "graftline/git/environment.hpp"

namespace graftline::effects {

command worktree_command(const std::vector<std::string>& words, const std::filesystem::path& checkout,
                         const std::string& task)
{
    command c(words.front());
    for (std::size_t i = 1; i < words.size(); ++i)
        c.add(words[i]);
    c.in(checkout);
    const auto rules = git::rules_for_agents(checkout);
    for (const auto& name : rules.drop)
        c.unset(name);
    for (const auto& [name, value] : rules.set)
        c.set(name, value);
    c.set("GRAFTLINE_TASK_ID", task).set("GRAFTLINE_WORKTREE", checkout.string());
    return c;
}

} // namespace graftline::effects
