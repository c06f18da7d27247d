/// Objects that no garbage collection takes away while no ref reaches them yet.
#pragma once

#include "graftline/git/objects/new_objects.hpp"
#include "graftline/git/packs/landing_packs.hpp"
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

/// Packs with a `.keep` beside each. Between writing objects and moving a ref to them, `git gc --prune=now`
/// would delete them and so break the ref; it leaves a kept pack alone. Call `settle` once a ref reaches the
/// objects; without it the packs stay, but may be collected from this object's end on.
class kept_objects {
public:
    /// For a landing: packs what `to` reaches and `from` does not, whether it is in `made` or in the
    /// repository, loose or about to be collected; what `from` reaches must be safe already, by a ref or
    /// because it is kept itself. The cost follows what differs; no process is started unless the repository
    /// is one that libgit2 does not read, or there is very much to pack. With `durability::power` the packs
    /// are on the disk when this returns, but for their names: `flush_names`. Errors: command_failed with
    /// git's words when an object is missing: nothing may point at `to` then. Cancellation: nothing stays but
    /// a pack that git may collect. Lifetime: borrows `repo`.
    static awaitable<result<kept_objects>> keep(repository& repo, new_objects made, oid to, oid from);

    /// For a rescue: packs what `wanted` reaches and `known` does not (revisions; "--glob=refs/*" and the
    /// like too). `source`: the object folder of another repository that has what is wanted. Otherwise the
    /// same.
    static awaitable<result<kept_objects>> keep(repository& repo, std::vector<std::string> wanted,
                                                std::vector<std::string> known,
                                                std::filesystem::path source = {});

    kept_objects(kept_objects&& other) noexcept
        : list_(std::move(other.list_)), packs_(std::exchange(other.packs_, {})),
          forward_(std::move(other.forward_))
    {
    }
    kept_objects& operator=(kept_objects&&) = delete;
    ~kept_objects();

    /// Was it seen while packing that `from` is in the history of `to`? False: it was not looked for.
    bool shows_forward(const oid& from, const oid& to) const
    {
        return forward_ && forward_->first == from && forward_->second == to;
    }

    /// With `durability::power`: the packs have their names for good. To be awaited before anything points at
    /// what they hold. Errors: the system's.
    awaitable<result<void>> flush_names(repository& repo) const;

    /// Keeps what `other` keeps as well: landings that were kept one on the other and move a ref together.
    void join(kept_objects other);

    /// A ref reaches the objects now: lets git collect them as any others. Many small packs make git nag, so
    /// each time that twenty of ours have gathered they become one. Faults change nothing: the next call
    /// tries again. Cancellation: terminal; the packs are let go in any case.
    awaitable<void> settle(repository& repo);

private:
    explicit kept_objects(landing_packs list) : list_(std::move(list)) {}
    awaitable<result<void>> install(repository& repo, std::vector<pack_draft> made);
    void let_go();

    landing_packs list_;
    std::vector<std::filesystem::path> packs_;   ///< without extension
    std::optional<std::pair<oid, oid>> forward_; ///< seen to be forward, from the first to the second
};

} // namespace graftline::git
