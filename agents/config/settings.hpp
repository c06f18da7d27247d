/// graftline.toml: what a repository and its user set once.
#pragma once

#include "graftline/agents/agent/agent.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::agents {

using command_words = std::vector<std::string>;

/// Everything is optional: the profile or a built-in default stands where nothing is said.
struct settings {
    struct run_section {
        std::optional<std::size_t> max;
        std::optional<std::string> base;
        std::optional<std::string> target;
        std::optional<std::string> land;        ///< merge, squash, rebase
        std::optional<std::string> on_overlap;  ///< serialize, ask, continue
        std::optional<std::string> on_conflict; ///< keep, retry
        std::optional<std::string> agent;
        std::optional<std::string> profile;
        std::optional<std::chrono::milliseconds> timeout;
        std::optional<std::chrono::milliseconds> attempt_timeout; ///< of one attempt of an agent
        std::optional<std::chrono::milliseconds> idle_timeout;    ///< ends an agent that says nothing
        std::optional<std::chrono::milliseconds> grace;
        std::optional<bool> fail_fast;
        std::optional<bool> keep_worktrees;
        std::optional<std::string> durability; ///< power (without one), process: what a commit survives
        std::optional<std::size_t> attempts;   ///< at most, of an agent that is turned away for now
        std::optional<std::chrono::milliseconds> patience; ///< how long such an agent is waited for in all
        std::optional<std::chrono::milliseconds> backoff;  ///< longest pause before the second; doubles
    } run;
    struct gate_section {
        std::vector<command_words> commands;
        std::optional<std::size_t> speculate;             ///< landings whose gates run at the same time
        std::optional<bool> share;                        ///< one gate run for changes in disjoint folders
        std::optional<std::chrono::milliseconds> timeout; ///< longest time of one gate
    } gate;
    struct worktree_section {
        std::optional<std::string> path;   ///< template
        std::optional<std::string> branch; ///< template
        std::string strategy = "checkout";
        std::vector<std::string> copy;
        std::vector<std::string> link;
        std::vector<command_words> setup;
        std::optional<std::chrono::milliseconds> timeout; ///< longest time of one set-up command
    } worktree;
    struct git_section {
        std::optional<std::chrono::milliseconds> timeout; ///< longest time of one git, hooks and all
    } git;
    struct commit_section {
        std::optional<std::string> type; ///< of conventional commits; else feat
        std::optional<std::string> scope;
        std::vector<std::string> trailers; ///< whole lines: "Co-Authored-By: A <a@b.c>"
    } commit;
    struct landing_section {
        std::optional<std::string>
            merge_message; ///< templates: {id} {key} {description} {branch} {target} {agent}
        std::optional<std::string> squash_message;
        std::optional<std::string> into;        ///< branch that lands instead of the target
        std::optional<bool> fast_forward;       ///< no merge commit where the target has nothing new
        std::optional<std::string> resolver;    ///< agent that is given conflicts; else the task's own
        std::optional<std::size_t> resolutions; ///< how often a conflict is given to an agent
    } landing;
    struct limits_section {
        std::optional<double> cpu;              ///< per cent
        std::optional<double> memory;           ///< per cent
        std::optional<std::uint64_t> disk_free; ///< bytes
        std::optional<std::uint64_t> log;       ///< bytes of output that an agent may print
    } limits;
    struct clean_section {
        std::optional<std::size_t> days; ///< how long logs, verdicts and the journal of what is over are kept
        std::optional<std::uint64_t> bytes; ///< of logs, at most
    } clean;
    agent_table agents; ///< [agents.NAME]; presets are not in it
};

/// Reads both files where they exist: the repository's first; what the user's says wins, key by key, and for
/// agents entry by entry. Errors: invalid, as "file:line:column: …" for text that is not TOML, unknown
/// sections and keys (with the nearest known one), wrong types and values; the system's for a file that
/// cannot be read.
result<settings> load_settings(const std::optional<std::filesystem::path>& repository_file,
                               const std::filesystem::path& user_file);

/// Reads `text` over what `into` holds. `file` is what errors call it.
result<void> read_settings(std::string_view text, std::string_view file, settings& into);

} // namespace graftline::agents
