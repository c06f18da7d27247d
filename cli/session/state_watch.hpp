/// Waiting until something about tasks may have changed, in whatever process.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <chrono>
#include <filesystem>

namespace graftline::cli {

/// Sees changes of the files in a project's state folder: the database's log is written at each.
class state_watch {
public:
    state_watch(asio::any_io_executor executor, const std::filesystem::path& state_folder);

    /// Returns when something has changed since the last call, or after `at_most`. Cancellation: terminal.
    awaitable<void> change(std::chrono::milliseconds at_most);

private:
    asio::posix::stream_descriptor events_; // closed where inotify is not to be had: then time alone wakes us
};

} // namespace graftline::cli
