/// A three-way merge of trees: exactly what git would answer, or the word that git must be asked.
#pragma once

#include "graftline/git/merge/merge.hpp"
#include "graftline/git/merge/merge_attributes.hpp"
#include "graftline/git/merge/merge_contents.hpp"
#include "graftline/git/objects/object_reader.hpp"

#include <unordered_map>
#include <vector>

namespace graftline::git {

/// What bears on a merge besides the trees, and is kept from one to the next.
struct merge_surroundings {
    /// Attributes from outside the trees: of the user, the system, the repository.
    const std::vector<merge_attributes>* attributes = nullptr;
    /// Attributes files in trees, by their ids.
    std::unordered_map<git_oid, merge_attributes, raw_id_hash, raw_id_equal> known_attributes;
};

/// The trees to merge.
struct merge_trees {
    git_oid base, ours, theirs;
};

/// Merges `theirs` into `ours`. Enters only folders that differ on both sides and writes nothing; reads what
/// it needs from `objects`. Blocks. Errors: unsupported where the answer is not certain to be git's (renames
/// that could matter, type changes, files added on both sides, binary files, merge attributes ...), libgit2's
/// when an object cannot be read: then git has to be asked.
result<merge_outcome> tree_merge(object_reader& objects, merge_surroundings& around, const merge_trees& sides,
                                 const side_labels& labels);

} // namespace graftline::git
