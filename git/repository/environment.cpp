#include "graftline/git/repository/environment.hpp"

#include "graftline/runtime/process/command.hpp"

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace graftline::git {
namespace {

/// What somebody configured through the environment on purpose (a container's safe.directory) stays: ours
/// comes after it.
int inherited_configuration()
{
    const char* text = std::getenv("GIT_CONFIG_COUNT");
    if (!text) return 0;
    const std::string_view digits(text);
    int count = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    const bool whole = failed == std::errc() && end == digits.data() + digits.size();
    return whole && count > 0 && count < 1000 ? count : 0;
}

/// Adds configuration by environment: nothing of ours is ever written into a configuration file.
void add_configuration(std::vector<variable>& set, const std::vector<variable>& entries)
{
    int at = inherited_configuration();
    for (const auto& [key, value] : entries) {
        set.emplace_back("GIT_CONFIG_KEY_" + std::to_string(at), key);
        set.emplace_back("GIT_CONFIG_VALUE_" + std::to_string(at), value);
        ++at;
    }
    set.emplace_back("GIT_CONFIG_COUNT", std::to_string(at));
}

/// No background work that would outlive the call or rewrite packs under a landing.
const std::vector<variable>& quiet_configuration()
{
    static const std::vector<variable> entries{
        {"gc.auto", "0"}, {"maintenance.auto", "false"}, {"core.fsmonitor", "false"}};
    return entries;
}

std::string ceiling_above(const std::filesystem::path& worktree)
{
    std::string ceilings = worktree.parent_path().string();
    if (const char* inherited = std::getenv("GIT_CEILING_DIRECTORIES"); inherited && *inherited)
        ceilings = ceilings + ":" + inherited;
    return ceilings;
}

} // namespace

std::vector<std::string> repository_variables()
{
    std::vector<std::string> names{
        // git rev-parse --local-env-vars, of old and new versions. GIT_CONFIG_COUNT is handled by itself.
        "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_OBJECT_DIRECTORY",
        "GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_GRAFT_FILE", "GIT_INDEX_FILE",
        "GIT_NO_REPLACE_OBJECTS", "GIT_REPLACE_REF_BASE", "GIT_PREFIX", "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_SHALLOW_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_ATTR_SOURCE", "GIT_REF_STORAGE_FORMAT",
        // Left by hooks: a quarantine forbids every ref update, the action would name our reflog entries.
        "GIT_QUARANTINE_PATH", "GIT_REFLOG_ACTION",
        // When: what is made here is made later.
        "GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE",
        // How paths are read.
        "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"};
    // An identity in the environment counts, as it does for git; but in a hook of `git commit` it is the
    // author of that commit. All of these have an index named to them.
    if (std::getenv("GIT_INDEX_FILE"))
        names.insert(names.end(),
                     {"GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"});
    return names;
}

agent_environment_rules rules_for_agents(const std::filesystem::path& worktree,
                                         const std::optional<variable>& setting)
{
    agent_environment_rules rules;
    rules.drop = repository_variables();
    rules.set.emplace_back("GIT_CEILING_DIRECTORIES", ceiling_above(worktree));
    std::vector<variable> entries = quiet_configuration();
    if (setting) entries.push_back(*setting);
    add_configuration(rules.set, entries);
    return rules;
}

void prepare_own_call(command& git)
{
    for (const std::string& name : repository_variables())
        git.unset(name);
    // A signer's pinentry would take over the terminal that GPG_TTY names.
    for (const char* name : {"GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS", "GPG_TTY"})
        git.unset(name);
    std::vector<variable> set{
        {"GIT_OPTIONAL_LOCKS", "0"},
        {"GIT_TERMINAL_PROMPT", "0"},
        {"GIT_EDITOR", ":"},
        {"GIT_MERGE_AUTOEDIT", "no"},
        // English messages for us to read; the character set of hooks stays what it was.
        {"LANGUAGE", "C"}};
    std::vector<variable> entries = quiet_configuration();
    entries.insert(entries.end(), {{"core.filesRefLockTimeout", "10000"},
                                   {"core.packedRefsTimeout", "10000"},
                                   {"submodule.recurse", "false"},
                                   {"color.ui", "false"},
                                   {"log.showSignature", "false"},
                                   {"advice.detachedHead", "false"}});
    add_configuration(set, entries);
    for (auto& [name, value] : set)
        git.set(name, value);
}

} // namespace graftline::git
