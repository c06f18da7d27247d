/// When git would look for renames whose answer could matter.
#pragma once

#include "graftline/git/objects/object_reader.hpp"
#include "graftline/git/objects/tree_cursor.hpp"

#include <array>
#include <utility>
#include <vector>

namespace graftline::git {

enum class merge_side : std::size_t { ours = 0, theirs = 1 };

inline merge_side other_side(merge_side side) noexcept
{
    return side == merge_side::ours ? merge_side::theirs : merge_side::ours;
}

/// A file that one side deleted can have been renamed to one that the same side added. That matters only when
/// the deletion is relevant: the other side changed or deleted the path as well, or added something below a
/// folder that this side removed. Then git has to say what was renamed.
class rename_watch {
public:
    void relevant_deletion(merge_side side) { at(side).relevant = true; }
    void addition(merge_side side) { at(side).added = true; }
    /// Below these two trees only this side changed something; it is looked through if that matters.
    void changed_alone(merge_side side, const git_oid& base, const git_oid& changed)
    {
        at(side).alone.emplace_back(base, changed);
    }
    /// Both sides made the same of this tree: every deletion in it is relevant to both.
    result<void> changed_alike(object_reader& objects, const git_oid& base, const git_oid& changed);

    /// It is certain already that git has to be asked.
    bool is_alarmed() const noexcept { return is_alarmed(sides_[0]) || is_alarmed(sides_[1]); }
    /// Is it, once all has been walked? Errors: of reading.
    result<bool> finish(object_reader& objects);

private:
    struct watched {
        bool relevant = false;
        bool added = false;
        std::vector<std::pair<git_oid, git_oid>> alone;
    };
    watched& at(merge_side side) { return sides_[static_cast<std::size_t>(side)]; }
    static bool is_alarmed(const watched& side) noexcept { return side.relevant && side.added; }

    std::array<watched, 2> sides_;
};

} // namespace graftline::git
