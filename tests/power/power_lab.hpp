/// A folder in memory where a disk is mounted, always at the same path, and what has to lie beside it.
#pragma once

#include "graftline/runtime/process/command.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace graftline::test {

/// Contents by path. Each file that the tests make has one line, without its end here.
using files = std::map<std::string, std::string>;

/// The paths that the agent of a task writes. In each it writes the path and a number that no other attempt
/// has.
std::vector<std::string> paths_of(const std::string& description);

struct machine_boot {
    std::string id;
    long began; ///< in seconds, by the clock of the real boot
};

class power_lab {
public:
    /// Mounts are seen by this process and its children only from now on.
    power_lab();
    power_lab(const power_lab&) = delete;
    power_lab& operator=(const power_lab&) = delete;
    ~power_lab();

    const std::filesystem::path& folder() const { return folder_; }
    std::filesystem::path disk_folder() const { return folder_ / "disk"; }
    std::filesystem::path top() const { return disk_folder() / "repo"; }
    std::string agent() const { return (folder_ / "agent").string(); }

    /// A repository with branches main, which is checked out, and trunk; on the disk when this returns. Its
    /// files.
    files make_repository(const std::string& durability) const;
    /// How long agents that start from now on take, in seconds.
    void let_agents_take(const std::string& length) const;
    /// What is started from now on finds another boot of this machine, which began just now.
    machine_boot boot() const;
    /// What is started from now on finds this boot.
    void go_on_in(const machine_boot& which) const;

    /// The command in the repository, to be run.
    command prepared(std::vector<std::string> words) const;
    command_output graftline(std::vector<std::string> words) const;
    /// Output of git in the repository, without the last line's end; none when it fails.
    std::optional<std::string> git(std::vector<std::string> words) const;
    /// As `git`; throws when it fails.
    std::string must_git(std::vector<std::string> words) const;
    /// All files of a commit; what cannot be read is left out.
    files files_of(const std::string& commit) const;
    /// All tracked files of the repository's own checkout, as they lie there.
    files checked_out() const;

private:
    std::filesystem::path folder_;
};

} // namespace graftline::test
