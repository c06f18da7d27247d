/// The drivers that convert files on their way in and out (LFS among them), for those who must not run any.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <set>
#include <string>
#include <vector>

namespace graftline::git {

class repository;

/// The drivers that the configuration names.
struct filter_drivers {
    std::set<std::string> names;    ///< "lfs"
    std::vector<std::string> words; ///< for git, before its command: none of them is run
};

/// Adds what a key of the configuration ("filter.lfs.clean") says of a driver; nothing for any other key.
void add_driver(filter_drivers& drivers, const std::string& key);

/// Asks the configuration. Reading commands run nothing that it names. Errors: those of starting git.
awaitable<result<filter_drivers>> find_filters(repository& repo);

} // namespace graftline::git
