/// In what two trees differ, and the contents of it, read by git wherever the objects lie.
#pragma once

#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"
#include "graftline/runtime/process/command.hpp"

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace graftline::git {

class repository;

/// What a tree has at a path.
struct path_entry {
    std::string mode; ///< "100644"; empty where there is nothing
    oid id;
    bool is_there() const noexcept { return !mode.empty(); }
    bool is_file() const noexcept { return mode.starts_with("100"); }
    friend bool operator==(const path_entry&, const path_entry&) = default;
};

/// By path: what the one tree has and what the other has.
using tree_differences = std::map<std::string, std::pair<path_entry, path_entry>>;

/// Reads a repository together with object directories beside it. Borrows the repository.
class tree_reader {
public:
    tree_reader(repository& repo, std::vector<std::filesystem::path> more_objects)
        : repo_(&repo), more_objects_(std::move(more_objects))
    {
    }
    /// `git WORDS...` that sees all these objects.
    command git(std::vector<std::string> words) const;
    /// Two trees or commits; every path by itself, renames are two.
    awaitable<result<tree_differences>> compare(std::string from, std::string to) const;
    /// The contents of blobs; what is missing or no blob is left out.
    awaitable<result<std::map<oid, std::string>>> contents(std::set<oid> blobs) const;

private:
    repository* repo_;
    std::vector<std::filesystem::path> more_objects_;
};

} // namespace graftline::git
