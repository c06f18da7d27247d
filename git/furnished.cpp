#include "graftline/git/furnished.hpp"

#include "graftline/git/records.hpp"
#include "graftline/git/scratch.hpp"

#include <fstream>
#include <utility>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// In git's record of a worktree: a path and where its link leads, each ended by a NUL.
constexpr const char* notes_name = "graftline-furnished";

/// Empty when that is no link.
std::string link_at(const fs::path& path)
{
    std::error_code none;
    return fs::read_symlink(path, none).string();
}

} // namespace

result<void> note_furnished(const fs::path& record, const fs::path& worktree, const fs::path& path)
{
    const fs::path file = record / notes_name;
    std::ofstream notes(file, std::ios::binary | std::ios::app);
    notes << joined({path.generic_string(), link_at(worktree / path)});
    if (!notes.flush()) return fault(errc::unusable, "cannot write to " + file.string());
    return {};
}

std::vector<furnished_path> furnished_in(const fs::path& record, const fs::path& worktree)
{
    const auto notes = records_of(text_of(record / notes_name));
    std::vector<furnished_path> all;
    for (std::size_t at = 0; at + 1 < notes.size(); at += 2)
        if (notes[at + 1].empty() || link_at(worktree / notes[at]) == notes[at + 1])
            all.push_back({notes[at], notes[at + 1]});
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
