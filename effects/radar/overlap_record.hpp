/// The overlaps that a run has seen last, for whoever asks for the status.
#pragma once

#include "graftline/effects/radar/radar.hpp"

#include <boost/json/object.hpp>

#include <filesystem>
#include <vector>

namespace graftline::effects {

/// Writes `overlaps.json` in the state folder in one step; without any the file goes. Blocking. Errors: the
/// system's.
result<void> record_overlaps(const std::filesystem::path& state_folder, const std::vector<overlap>& present);

/// Those recorded last of tasks that are still live; none when there is no record or it cannot be read.
/// Blocking. The work of tasks that no run carries out at present may have changed since.
std::vector<overlap> recorded_overlaps(const std::filesystem::path& state_folder,
                                       const std::vector<task>& tasks);

/// {"a", "b" (null: the target), "target" (null when there is none), "paths", "kinds"}.
json::object to_public_json(const overlap& one);

} // namespace graftline::effects
