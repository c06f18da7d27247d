/// What has to be put right after the machine went down.
#pragma once

#include "graftline/effects/store/project.hpp"

#include <string>
#include <vector>

namespace graftline::effects {

/// To be awaited at the start of every command that changes something, and before a run is gone on with,
/// before anything else. Once in each boot of the machine and each mount of the repository's disk, all is
/// looked at that a power cut may have left: old locks of git's are removed, damaged objects and packs of
/// ours moved out of git's way, task branches put back, landings and landed files that did not last are
/// found; a worktree whose agent had not ended holds what nobody can vouch for: that goes to a rescue ref as
/// far as it can be read, and the worktree is made anew when the task is carried out again. At every other
/// time only what is cheap to see is mended: branches, git's records of worktrees, and locks that are older
/// than the boot. Tasks of runs that live are left alone. One task that cannot be mended never fails another.
/// Result: what was found, a sentence for a person each. Errors: the store's, corrupt among them.
awaitable<result<std::vector<std::string>>> recover_after_boot(std::shared_ptr<project> in);

} // namespace graftline::effects
