/// The folder that graftline keeps in a repository, and who may look into it: prompts and environments lie
/// there.
#pragma once

#include <filesystem>
#include <vector>

namespace graftline::git {

/// Makes it, and its parents, if it is not there. False with errno when that fails, which the first write
/// into it says too.
bool make_state_folder(const std::filesystem::path& folder);

/// Takes from it what others may do with it, and from all that lies in it if it was open to them so far.
/// Where `core.sharedRepository` shares the repository, the folder and all state in it are shared as that
/// says, prompts and environments too: it is shared on purpose. Another user's is left as it is. Blocks for
/// some stat calls. What cannot be changed stays as it is.
void settle_access(const std::filesystem::path& folder);

/// The same for some folders in it, with all that they hold, that have been made since.
void settle_access_of(const std::filesystem::path& folder, const std::vector<std::filesystem::path>& parts);

} // namespace graftline::git
