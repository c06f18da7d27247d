/// Objects that no garbage collection takes away while no ref reaches them yet.
#pragma once

#include "graftline/runtime/awaitable.hpp"
#include "graftline/runtime/fault.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace graftline::git {

class repository;

/// A pack with a `.keep` beside it. Between writing objects and moving a ref to them, `git gc --prune=now`
/// would delete them and so break the ref; it leaves a kept pack alone. Call `settle` once a ref reaches the
/// objects; without it the pack stays, but may be collected again from the object's end on.
class kept_objects {
public:
    /// Packs what `wanted` reaches and `known` does not (revisions; "--glob=refs/*" and the like too) and
    /// keeps it. `source`: the object folder of another repository that has what is wanted. Errors:
    /// command_failed with git's words when an object is missing: it was collected already, nothing may point
    /// at it. Cancellation: as for a command; nothing stays. Lifetime: borrows `repo`.
    static awaitable<result<kept_objects>> keep(repository& repo, std::vector<std::string> wanted,
                                                std::vector<std::string> known,
                                                std::filesystem::path source = {});

    kept_objects(kept_objects&& other) noexcept
        : objects_(std::move(other.objects_)), packs_(std::exchange(other.packs_, {}))
    {
    }
    kept_objects& operator=(kept_objects&&) = delete;
    ~kept_objects();

    /// A ref reaches the objects now. Drops the `.keep`, and the whole pack where each of its objects lies
    /// loose too and no collection is running: git counts packs, and many small ones make it nag.
    awaitable<void> settle(repository& repo);

private:
    explicit kept_objects(std::filesystem::path objects) : objects_(std::move(objects)) {}

    std::filesystem::path objects_;
    std::vector<std::filesystem::path> packs_; ///< without extension
};

} // namespace graftline::git
