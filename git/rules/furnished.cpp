#include "graftline/git/rules/furnished.hpp"

#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/scratch.hpp"

#include <sys/stat.h>

#include <fstream>
#include <optional>
#include <utility>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// In git's record of a worktree: a path, where its link leads, and the state of a copy, each ended by a NUL.
constexpr const char* notes_name = "graftline-furnished";
constexpr std::size_t most_entries = 2000;

/// Empty when that is no link.
std::string link_at(const fs::path& path)
{
    std::error_code none;
    return fs::read_symlink(path, none).string();
}

/// By which it is seen that somebody has written to a file; empty for what is none.
std::string state_of_copy(const fs::path& path)
{
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
    return std::to_string(info.st_size) + " " + std::to_string(info.st_mtim.tv_sec) + "." +
           std::to_string(info.st_mtim.tv_nsec);
}

/// The files below a folder, relative to `worktree`; nullopt when there are too many to name.
result<std::optional<std::vector<fs::path>>> files_below(const fs::path& worktree, const fs::path& folder)
{
    std::vector<fs::path> files;
    std::error_code failed;
    std::size_t seen = 0;
    for (fs::recursive_directory_iterator entry(worktree / folder, failed), end; !failed && entry != end;
         entry.increment(failed)) {
        if (++seen > most_entries) return std::optional<std::vector<fs::path>>();
        std::error_code gone;
        if (!fs::is_directory(entry->symlink_status(gone)))
            files.push_back(entry->path().lexically_relative(worktree));
    }
    if (failed) return system_fault(failed.value(), "cannot look through " + (worktree / folder).string());
    return std::optional(std::move(files));
}

} // namespace

result<void> note_furnished(const fs::path& record, const fs::path& worktree, const fs::path& path)
{
    const fs::path file = record / notes_name;
    std::vector<fs::path> all{path};
    std::error_code gone;
    if (fs::is_directory(fs::symlink_status(worktree / path, gone))) {
        auto files = files_below(worktree, path);
        if (!files) return files.error();
        if (*files) all = std::move(**files);
    }
    std::ofstream notes(file, std::ios::binary | std::ios::app);
    for (const fs::path& one : all)
        notes << joined({one.generic_string(), link_at(worktree / one), state_of_copy(worktree / one)});
    if (!notes.flush()) return fault(errc::unusable, "cannot write to " + file.string());
    return {};
}

std::vector<furnished_path> furnished_in(const fs::path& record, const fs::path& worktree)
{
    const auto notes = records_of(text_of(record / notes_name));
    std::vector<furnished_path> all;
    for (std::size_t at = 0; at + 2 < notes.size(); at += 3) {
        const std::string &path = notes[at], &link = notes[at + 1], &state = notes[at + 2];
        if (!link.empty() && link_at(worktree / path) != link) {
            // An editor that saves by renaming leaves a copy where the link was.
            if (!state_of_copy(worktree / path).empty()) all.push_back({path, {}, false});
            continue;
        }
        const bool is_as_it_was = state.empty() || state_of_copy(worktree / path) == state;
        all.push_back({path, link, is_as_it_was});
    }
    return all;
}

std::string exclude_pattern(const fs::path& path)
{
    std::string pattern = "/";
    for (const char c : path.generic_string()) {
        if (c == '*' || c == '?' || c == '[' || c == '\\' || c == ' ') pattern += '\\';
        pattern += c;
    }
    return pattern;
}

} // namespace graftline::git
