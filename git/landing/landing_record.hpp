/// Which landings a checkout followed of late: what git's own race may still take back there.
#pragma once

#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace graftline::git {

class repository;

/// One landing in one checkout.
class recorded_landing {
public:
    recorded_landing(std::filesystem::path git_dir, oid from, oid to, std::int64_t at = 0)
        : git_dir(std::move(git_dir)), from(std::move(from)), to(std::move(to)), at(at)
    {
    }
    std::filesystem::path git_dir; ///< of the worktree that followed
    oid from;
    oid to;
    std::int64_t at; ///< seconds since 1970, UTC
};

/// The file below the state folder that holds them; absent when there is none.
std::filesystem::path landing_record_file(const repository& repo);

/// Adds one, now. The caller holds the repository's lock. Errors: the system's.
result<void> record_landing(const repository& repo, recorded_landing landed);

/// All, oldest first. What does not read back is left out.
std::vector<recorded_landing> recorded_landings(const repository& repo);

/// Writes the file anew with `landings`, or removes it when there are none. The caller holds the repository's
/// lock.
result<void> keep_landings(const repository& repo, const std::vector<recorded_landing>& landings);

} // namespace graftline::git
