/// Objects that were made and lie in no repository yet.
#pragma once

#include "graftline/git/repository/oid.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"
#include "graftline/runtime/process/command.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace graftline::git {

class repository;

enum class object_kind { blob, tree, commit };

struct new_object {
    oid id;
    object_kind kind = object_kind::blob;
    std::string bytes; ///< what git hashes, without its header
};

/// What an operation made and that lies in no repository yet. Some may be there all the same: nobody looked.
struct new_objects {
    std::vector<new_object> in_memory;      ///< what an object refers to comes before it
    std::shared_ptr<scratch_folder> folder; ///< an object directory with what git itself made; may be null
};

/// Writes all of it into the repository: loose, as git writes, or by moving what git wrote. Nothing protects
/// it there until a ref reaches it. Errors: the system's (no_space when the disk is full); some may have been
/// written then. Cancellation: between the two kinds. Lifetime: borrows `repo`.
awaitable<result<void>> write_objects(repository& repo, new_objects made);

/// An empty object directory for `folder` above. Errors: the system's.
result<std::shared_ptr<scratch_folder>> make_object_folder(const repository& repo);

/// Lets `git` write its objects into the object directory `folder` instead of the repository's, which it
/// reads, as it does those in `more`; none of them is written to.
void write_apart(command& git, const repository& repo, const std::filesystem::path& folder,
                 const std::vector<std::filesystem::path>& more = {});

/// For GIT_ALTERNATE_OBJECT_DIRECTORIES: the folders separated by colons, each quoted as C does.
std::string alternates_text(const std::vector<std::filesystem::path>& folders);

} // namespace graftline::git
