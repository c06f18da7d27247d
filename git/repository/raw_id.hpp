/// libgit2's ids as keys.
#pragma once

#include <git2/oid.h>

#include <cstddef>
#include <cstring>

namespace graftline::git {

struct raw_id_hash {
    std::size_t operator()(const git_oid& id) const noexcept
    {
        std::size_t first;
        std::memcpy(&first, id.id, sizeof first);
        return first;
    }
};
struct raw_id_equal {
    bool operator()(const git_oid& one, const git_oid& other) const noexcept
    {
        return std::memcmp(one.id, other.id, GIT_OID_RAWSZ) == 0;
    }
};

} // namespace graftline::git
