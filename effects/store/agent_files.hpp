/// The files and folders around one attempt of an agent.
#pragma once

#include "graftline/effects/store/project.hpp"
#include "graftline/effects/tasks/task.hpp"
#include "graftline/runtime/base/awaitable.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace graftline::effects {

/// The system's folder for temporary files, TMPDIR or /tmp: each agent gets one of its own in it. Errors:
/// unusable, when it is relative, no folder, or cannot be written.
result<std::filesystem::path> temporary_place();

/// Where an attempt keeps what it is told and what it says; all outside the work tree, readable by the user
/// alone. Making one blocks for the moment that a few small files take.
class agent_files {
public:
    /// Makes the attempt's folder (`logs/<task>/<attempt>[-stage]`) and names a temporary folder in it.
    /// Throws fault_error.
    agent_files(const project& in, const task& t, const std::string& stage);
    /// Those of an attempt that was made before, maybe by a process that died.
    explicit agent_files(std::filesystem::path folder);
    agent_files(const agent_files&) = delete;
    agent_files& operator=(const agent_files&) = delete;

    /// Makes the temporary folder, under another name where somebody has taken that. Call it when the task
    /// names the attempt: whoever takes over what a killed process left finds the folder by that. Throws
    /// fault_error.
    void make_temporary(const std::string& task);

    const std::filesystem::path& folder() const noexcept { return folder_; }
    const std::filesystem::path& temporary() const noexcept { return temporary_; }
    std::filesystem::path prompt() const { return folder_ / "prompt.txt"; }
    std::filesystem::path feedback() const { return folder_ / "feedback.txt"; }
    /// Where the agent writes its result: in its temporary folder, the one place beside its worktree that
    /// every sandbox lets it write.
    std::filesystem::path result_file() const { return temporary_ / "graftline-result.json"; }
    std::filesystem::path output() const { return folder_ / "stdout.log"; }
    std::filesystem::path errors() const { return folder_ / "stderr.log"; }

    /// What the agent wrote as its result; none where there is nothing. Errors: invalid, naming what lies
    /// there where it is no plain file: a pipe must not stop us, and a link must not lead elsewhere; what the
    /// system said of one that cannot be read.
    result<std::optional<std::string>> read_result() const;

    /// Deletes the temporary folder, after a result in it is kept in the attempt's folder, off the loop,
    /// following no links: build tools leave thousands of files there. For an agent that has ended; one that
    /// outlives this process needs it. What cannot be deleted is left to the system's own cleaning of its
    /// folder. One in which the agent made a worktree of the repository stays. Not cancellable.
    awaitable<void> drop_temporary();

private:
    std::filesystem::path kept_result() const { return folder_ / "result.json"; }
    bool keep_result() const;
    bool holds_worktree() const; ///< one of the repository's own: what lies in it is nowhere else
    void name_temporary(const std::string& task);

    std::filesystem::path folder_;
    std::filesystem::path temporary_;
    bool is_made_ = false; ///< by us, or by whoever named it in the attempt's folder
};

/// Removes the temporary folder of an attempt that has ended, whoever made it. Nothing there is success.
awaitable<void> drop_temporary_of(std::filesystem::path attempt);

/// Writes a file that the user alone can read. Throws fault_error.
void write_private(const std::filesystem::path& file, const std::string& text);

/// The last `lines` lines of a file, at most `most` bytes; empty when it cannot be read.
std::string tail_of(const std::filesystem::path& file, std::size_t lines, std::size_t most = 16 * 1024);

} // namespace graftline::effects
