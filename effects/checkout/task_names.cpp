#include "graftline/effects/checkout/task_names.hpp"

#include "graftline/git/naming/naming.hpp"

namespace graftline::effects {
namespace {

std::string number_of(const task& t)
{
    // Conventions that number their worktrees take the number of the ticket or plan entry.
    std::string digits;
    for (char c : t.key)
        if (c >= '0' && c <= '9') digits += c;
    return digits.empty() ? t.id : digits;
}

} // namespace

result<task_names> name_task(project& in, const task& t, int suffix)
{
    const auto& repo = in.repository();
    const git::template_values values{{"id", t.id},
                                      {"key", t.key.empty() ? t.id : git::slug(t.key)},
                                      {"slug", t.spec.slug},
                                      {"type", "feature"},
                                      {"agent", git::slug(t.spec.agent.empty() ? "agent" : t.spec.agent)},
                                      {"repo", repo.name()},
                                      {"number", number_of(t)}};
    auto branch = git::expand(t.spec.branch_template, values);
    if (!branch) return branch.error();
    auto folder = git::expand(t.spec.worktree_template, values);
    if (!folder) return folder.error();
    if (suffix > 0) {
        *branch += "-" + std::to_string(suffix + 1);
        *folder += "-" + std::to_string(suffix + 1);
    }
    if (auto valid = git::check_branch_name(*branch); !valid) return valid.error();
    const auto& anchor = repo.main_work_tree() ? *repo.main_work_tree() : repo.common_dir();
    return task_names{std::move(*branch), (anchor / *folder).lexically_normal()};
}

std::string lock_reason(const std::string& task)
{
    return "graftline " + task;
}

} // namespace graftline::effects
