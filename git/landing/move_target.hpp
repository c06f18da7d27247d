/// Moving a branch to a landing, also when somebody has it checked out and works there.
#pragma once

#include "graftline/git/commits/staged.hpp"
#include "graftline/git/objects/new_objects.hpp"
#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace graftline::git {

class kept_objects;
class repository;

/// The branch is at the landing, and so are the files where it is checked out.
struct moved {};

/// Nothing was changed: the state that the user's checkout is in forbids it. The landing is tried again
/// later.
struct waits {
    std::string why;                ///< one sentence for a person
    std::vector<std::string> paths; ///< the paths in the way, if it is paths
};

using move_outcome = std::variant<moved, waits>;

/// What is about to be done to a checkout; enough to repair it after a crash.
struct move_intent {
    std::string branch; ///< short name
    oid from;
    oid to;
    std::filesystem::path checkout;           ///< the work tree that follows; empty when there is none
    std::vector<staged_change> paths;         ///< empty when there is no checkout
    std::vector<std::filesystem::path> locks; ///< what git leaves behind if it is killed meanwhile: ours then
};

/// Called once before anything changes; a fault of it stops the move with nothing changed.
using intent_callback = std::function<awaitable<result<void>>(const move_intent&)>;

/// Moves branch `branch` (short name) from `from` to `to`, of which `from` is an ancestor. Where it is
/// checked out, files and index follow first and the ref last, under git's own locks; no other branch, no
/// stash, no merge state and no file outside the landing is touched, ignored files included. Takes the
/// repository's lock: the caller must not hold it. Result: moved; or waits, with nothing changed: a merge,
/// rebase, cherry-pick, revert or bisect is under way where the branch is in use, it is checked out twice, or
/// the landing's paths are edited, staged or in the way there. Errors: moved (errc) when the branch is not at
/// `from`; busy when git's locks stay taken; command_failed otherwise. Cancellation: honoured until files
/// begin to change, from then on only after the ref has moved. Lifetime: borrows `repo` until completion.
///
/// What may wait for a hook or a filter says in its environment that it is for `reflog_message`
/// (left_commands.hpp). Ended from outside, it moves the branch or leaves all as it was.
///
/// `made`: what of `to` lies in no repository yet; all that `to` reaches and `from` does not is kept from
/// collection before the ref moves. Where nobody has the branch checked out no process is started, unless
/// the repository or its configuration is one that only git understands. With `durability::power` objects
/// and ref are on the disk when this returns.
awaitable<result<move_outcome>> move_target(repository& repo, std::string branch, oid from, oid to,
                                            std::string reflog_message, intent_callback intent = {},
                                            new_objects made = {});

/// The same for a landing that was kept before, to be tested: `kept` holds all that `to` reaches and `from`
/// does not. It is settled when the branch has moved. Lifetime: borrows `kept` too.
awaitable<result<move_outcome>> move_target(repository& repo, std::string branch, oid from, oid to,
                                            std::string reflog_message, kept_objects& kept,
                                            intent_callback intent = {});

/// Sets right what git's own race leaves: `git commit` reads the index before it locks it, so a landing in
/// between is taken back in the index, and the user's next commit would revert it. Paths of recent landings
/// whose file and HEAD are new and whose index entry is the old one get the new entry; nothing else is
/// touched. For the start of each command; starts no process when nothing has landed in a checkout since the
/// last time. Result: how many entries were set. Takes the repository's lock.
awaitable<result<std::size_t>> repair_index(repository& repo);

/// The same each time the index of the main work tree changes, until cancelled: spawn it beside what lands.
/// Faults end nothing: the next change, or the next command, tries again.
awaitable<void> keep_index(repository& repo);

/// Ends what a crash left of a move, from its journalled intent: removes locks that git left behind (only
/// when no process holds them any more), and says where the branch stands. Result: true when the branch has
/// the landing, false when it has not and the move may be made anew. Errors: corrupt, naming the paths, when
/// a touched file is neither old nor new: nothing is changed then.
awaitable<result<bool>> recover_move(repository& repo, move_intent intent);

/// The branch was at `commit` and somebody has moved it on from there, as its reflog tells: a landing that is
/// not in its history any more was taken off it. False where there is no reflog.
awaitable<bool> was_moved_on_from(repository& repo, std::string branch, oid commit);

} // namespace graftline::git
