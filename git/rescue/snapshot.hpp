/// All that lies in one folder as one commit, whatever state the folder is in.
#pragma once

#include "graftline/git/refs/unreached.hpp"
#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace graftline::git {

class repository;

/// The files of a place and what is staged there, as trees in its object store.
struct place_trees {
    oid files;
    oid staged;
};

/// A path and the commit that stands for the repository nested there.
using gitlink = std::pair<std::string, oid>;

/// Writes both trees. Neither the index nor a file is touched; ignored files stay out; a clean filter that
/// fails is passed by. `nested`: what to put in place of repositories inside; their files are not looked at.
/// Errors: refused when the checkout was never finished (no index, and `may_lack_index` is false); any other
/// fault means that something could not be saved.
awaitable<result<place_trees>> write_trees(const repository& repo, workplace place,
                                           std::vector<gitlink> nested, bool may_lack_index);

/// Folders inside a place that are repositories of their own: those that git does not track, and populated
/// submodules.
awaitable<result<std::vector<std::string>>> nested_in(const repository& repo, workplace place);

/// Writes a commit of graftline's own: no hook, no signature, no identity of the user, any number of parents.
awaitable<result<oid>> write_own_commit(const repository& repo, workplace place, oid tree,
                                        std::vector<oid> parents, std::string message);

} // namespace graftline::git
