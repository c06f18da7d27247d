/// Objects that a power cut left half written.
#pragma once

#include <chrono>
#include <filesystem>
#include <vector>

namespace graftline::git {

class repository;

/// Takes out of git's way what can be of no use to it: loose objects that are empty or do not inflate, and
/// packs of ours whose contents are not what their own checksums say. Git takes such an object for present: a
/// commit of the same content would succeed and keep the empty file, and a collection or a fetch would fail.
/// Looked at is what changed since `since`, empty objects whenever they came. Empty files are deleted, all
/// else is moved to `damaged` in the state folder. Result: what was taken away, where it lay. Blocks; a few
/// hundred objects take milliseconds.
std::vector<std::filesystem::path> set_damaged_objects_aside(const repository& repo,
                                                             std::chrono::system_clock::time_point since);

/// A name in `damaged` in the state folder that nothing has yet; the folder is there. For what is moved out
/// of the way and may be of use to a person.
std::filesystem::path place_for_damaged(const repository& repo, const std::string& name);

} // namespace graftline::git
