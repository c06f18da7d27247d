/// What a landing outlives.
#pragma once

#include "graftline/runtime/awaitable.hpp"
#include "graftline/runtime/fault.hpp"
#include "graftline/runtime/semaphore.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <filesystem>

namespace graftline::git {

/// `process`: the death of any process, at any time; nothing is flushed to the disk, as with git by default.
/// `power`: a power cut as well. Before a ref of ours moves, everything that was written to the file system
/// of the objects has been flushed: the pack of the landing, and what git wrote there without flushing
/// (agents' commits, the user's commits below them). The ref's new value, its reflog and their folders are
/// flushed before the move is reported, and so is what our git commands write. What was reported as landed is
/// there after the cut; what was not is there as a whole or not at all.
enum class durability { process, power };

/// Flushes the file system that a folder lies on. Those who ask while one flush runs share the next: landings
/// that are ready together wait for the disk once. Threads: one strand, that of `executor`.
class shared_flush {
public:
    shared_flush(asio::any_io_executor executor, std::filesystem::path folder);

    /// Result: what was written before the call is on the disk. Errors: the system's, when the disk failed.
    /// Cancellation: terminal, between flushes. Lifetime: this outlives the call.
    awaitable<result<void>> wait();

private:
    std::filesystem::path folder_;
    semaphore turn_;
    std::uint64_t asked_ = 0;
    std::uint64_t flushed_ = 0; ///< all calls up to this one are answered
};

} // namespace graftline::git
