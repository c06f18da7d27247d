/// A control group (version 2) of an agent's own, where one can be made: it ends a tree in one stroke.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

namespace graftline {

/// Removes its group when it goes.
class control_group {
public:
    /// Where a group of this name would be: below the one that we are in. None where there is no version 2
    /// hierarchy.
    static std::optional<std::filesystem::path> place(const std::string& name);

    /// Makes it. None where there is no right to it.
    static std::optional<control_group> make(const std::filesystem::path& folder);

    control_group(control_group&& other) noexcept : folder_(std::move(other.folder_))
    {
        other.folder_.clear();
    }
    control_group& operator=(control_group&&) = delete;
    ~control_group();

    const std::filesystem::path& folder() const noexcept { return folder_; }

    /// fork(2), the child in the group from its birth: moving it there later takes the kernel 15 ms. Where
    /// that is not to be had the child is born outside, and only its parents tell where it belongs. Needs a
    /// process of one thread.
    pid_t fork() const noexcept;

    /// KILL to all that is in it.
    void kill() const noexcept;

    /// The same from any process, and removes the group.
    static void end(const std::filesystem::path& folder) noexcept;

private:
    explicit control_group(std::filesystem::path folder) : folder_(std::move(folder)) {}
    std::filesystem::path folder_;
};

} // namespace graftline
