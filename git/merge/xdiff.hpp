/// The part of xdiff that merges, as it is laid out in libgit2 1.5's static library: git's own line merge,
/// with the algorithm that git merges with. cmake/xdiff.cmake brings it in, where it can be had.
#pragma once

#include <cstddef>

namespace graftline::git::xdiff {

struct text {
    char* bytes;
    long size;
};

struct comparison {
    unsigned long flags;
    void** ignored; ///< lines that do not count: none
    std::size_t ignored_count;
    char** anchors; ///< for another algorithm: none
    std::size_t anchor_count;
};

inline constexpr unsigned long histogram = 1ul << 15;

/// How hard it looks for what two overlapping changes have in common.
inline constexpr int zealous = 2;

struct merge_parameters {
    comparison compared;
    int marker_size;
    int level;
    int favor; ///< 0: neither side
    int style; ///< 0: conflicts show the two sides
    const char* base_label;
    const char* ours_label;
    const char* theirs_label;
};

/// The number of conflicts, below 0 when there is no memory. `merged` is to be freed with std::free.
extern "C" int graftline_xdl_merge(text* base, text* ours, text* theirs, const merge_parameters* how,
                                   text* merged);

} // namespace graftline::git::xdiff
