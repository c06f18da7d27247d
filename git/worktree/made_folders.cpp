#include "graftline/git/worktree/made_folders.hpp"

#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/repository/state_folder.hpp"

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

fs::path list_file(const fs::path& state_folder)
{
    return state_folder / "made-folders";
}

std::vector<std::string> read_list(const fs::path& state_folder)
{
    return records_of(text_of(list_file(state_folder)));
}

/// By rename, so that a crash leaves the old list or the new one.
bool write_list(const fs::path& state_folder, const std::vector<std::string>& folders)
{
    std::error_code failed;
    make_state_folder(state_folder);
    const fs::path fresh = list_file(state_folder).string() + ".new";
    {
        std::ofstream file(fresh, std::ios::binary | std::ios::trunc);
        file << joined(folders);
        if (!file.flush()) return false;
    }
    fs::rename(fresh, list_file(state_folder), failed);
    return !failed;
}

} // namespace

result<void> make_parents(const fs::path& state_folder, const fs::path& path)
{
    std::vector<std::string> missing;
    std::error_code failed;
    for (fs::path parent = path.parent_path(); !fs::exists(parent, failed) && parent.has_relative_path();
         parent = parent.parent_path())
        missing.push_back(parent.string());
    if (missing.empty()) return {};

    // Remembered before they are made: a crash in between leaves a name too many, never a folder too many.
    std::vector<std::string> made = read_list(state_folder);
    for (const std::string& folder : missing)
        if (std::find(made.begin(), made.end(), folder) == made.end()) made.push_back(folder);
    if (!write_list(state_folder, made))
        return fault(errc::unusable, "cannot write to " + state_folder.string());
    fs::create_directories(path.parent_path(), failed);
    if (failed) return system_fault(failed.value(), "cannot make the folder " + path.parent_path().string());
    return {};
}

void remove_made_parents(const fs::path& state_folder, const fs::path& path)
{
    std::vector<std::string> made = read_list(state_folder);
    const std::size_t before = made.size();
    for (fs::path parent = path.parent_path(); parent.has_relative_path(); parent = parent.parent_path()) {
        const auto known = std::find(made.begin(), made.end(), parent.string());
        std::error_code failed;
        if (known == made.end() || !(fs::remove(parent, failed) || !failed)) break; // not empty, or not ours
        made.erase(known);
    }
    if (made.size() != before) write_list(state_folder, made);
}

} // namespace graftline::git
