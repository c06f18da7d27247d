#include "graftline/effects/checkout/worktree_command.hpp"

#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/rules/noted_rules.hpp"

namespace graftline::effects {

git::agent_environment_rules rules_in(const git::repository& repo, const std::filesystem::path& worktree)
{
    const auto record = git::git_dir_of(repo, worktree);
    if (!record || !*record) return git::rules_for_agents(worktree);
    const auto ignoring = git::ignoring_setting(**record, worktree);
    return git::rules_for_agents(worktree, ignoring ? *ignoring : std::nullopt);
}

command worktree_command(const git::repository& repo, const std::vector<std::string>& words,
                         const std::filesystem::path& checkout, const std::string& task)
{
    command c(words.front());
    for (std::size_t i = 1; i < words.size(); ++i)
        c.add(words[i]);
    c.in(checkout);
    const auto rules = rules_in(repo, checkout);
    for (const auto& name : rules.drop)
        c.unset(name);
    for (const auto& [name, value] : rules.set)
        c.set(name, value);
    c.set("GRAFTLINE_TASK_ID", task).set("GRAFTLINE_WORKTREE", checkout.string());
    return c;
}

} // namespace graftline::effects
