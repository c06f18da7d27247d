/// The folder that graftline keeps in a repository, and who may look into it: prompts and environments lie
/// there.
#pragma once

#include <filesystem>

namespace graftline::git {

/// Makes it, and its parents, if it is not there. False with errno when that fails, which the first write
/// into it says too.
bool make_state_folder(const std::filesystem::path& folder);

/// Takes from it what others may do with it, and from all that lies in it if it was open to them so far.
/// Where `core.sharedRepository` shares the repository, the folder and what lies right in it are shared as
/// that says. Another user's is left as it is. Blocks for some stat calls. What cannot be changed stays as it
/// is.
void settle_access(const std::filesystem::path& folder);

} // namespace graftline::git
