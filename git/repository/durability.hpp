/// What graftline's word outlives.
#pragma once

namespace graftline::git {

/// `process`: the death of any process, at any time; nothing is flushed to the disk, as with git by default.
/// `power`: a power cut as well. Nothing is recorded, and so nothing said, before what it tells of is on the
/// disk: a worktree that is ready, the commits of a task that is completed, what was rescued, a landing with
/// its objects, its ref, their folders and the files of a checkout that followed. What was not said is there
/// as a whole after the cut, or is made again.
enum class durability { process, power };

} // namespace graftline::git
