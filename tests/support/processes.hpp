/// What tests ask of the processes around them.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

namespace graftline::test {

/// Descriptors that are open in this process.
std::size_t open_descriptors();

/// This process has no child, not even a zombie.
bool has_no_children();

/// There is such a process and it is no zombie.
bool is_running(pid_t pid);

/// Processes of which an environment entry or an argument holds `mark`.
std::size_t running_with(const std::string& mark);

/// Looks until `what` is so, at most this long. For what happens in other processes and announces nothing.
bool soon(const std::function<bool()>& what, std::chrono::milliseconds limit = std::chrono::seconds(60));

std::string contents_of(const std::filesystem::path& file);

} // namespace graftline::test
