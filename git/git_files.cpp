#include "graftline/git/git_files.hpp"

#include "graftline/git/branch_use.hpp"
#include "graftline/git/included_files.hpp"
#include "graftline/git/repository.hpp"
#include "graftline/runtime/small_file.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// What a git opens of the folder that all worktrees share, and of that of one worktree.
constexpr const char* shared_files[]{"config",
                                     "packed-refs",
                                     "shallow",
                                     "info/attributes",
                                     "info/exclude",
                                     "info/grafts",
                                     "objects/info/alternates",
                                     "objects/info/commit-graph",
                                     "objects/info/commit-graphs/commit-graph-chain",
                                     "objects/pack/multi-pack-index",
                                     "graftline/graftline.log"};
constexpr const char* files_of_one[]{"HEAD", "config.worktree", "index", "info/sparse-checkout"};
constexpr const char* record_files[]{"HEAD", "commondir", "gitdir", "locked"};

bool is_nothing(const struct stat& about)
{
    return S_ISCHR(about.st_mode) && about.st_rdev == makedev(1, 3); // /dev/null
}

result<void> check_file(const fs::path& file)
{
    struct stat about{};
    if (::stat(file.c_str(), &about) != 0 || S_ISREG(about.st_mode) || is_nothing(about)) return {};
    const bool waits = S_ISFIFO(about.st_mode) || S_ISCHR(about.st_mode) || S_ISBLK(about.st_mode);
    return fault(errc::unusable, (waits ? "git would wait for ever for what is no file: "
                                        : "git cannot read what is no file: ") +
                                     file.string())
        .with("found", kind_of_file(about.st_mode))
        .advise("Put the file back or remove what is there, then try again.");
}

/// The first line of a small file, empty where there is none.
std::string line_of(const fs::path& file)
{
    const auto text = read_small_file(file, 64 * 1024);
    return text && *text ? (*text)->substr(0, (*text)->find('\n')) : std::string();
}

fs::path common_dir_of(const fs::path& git_dir)
{
    const std::string named = line_of(git_dir / "commondir");
    return named.empty() ? git_dir : (git_dir / named).lexically_normal();
}

/// Git's folder for a folder of somebody's, as git looks for it.
std::optional<fs::path> git_dir_above(const fs::path& start)
{
    if (const char* named = std::getenv("GIT_DIR"); named && *named) return start / named;
    constexpr std::string_view key = "gitdir: ";
    std::error_code failed;
    for (fs::path folder = fs::absolute(start, failed);; folder = folder.parent_path()) {
        const fs::path dot_git = folder / ".git";
        const auto what = fs::status(dot_git, failed);
        if (fs::is_directory(what)) return dot_git;
        if (const std::string line = fs::is_regular_file(what) ? line_of(dot_git) : ""; line.starts_with(key))
            return folder / line.substr(key.size());
        if (fs::is_directory(folder / "objects", failed) && fs::is_directory(folder / "refs", failed))
            return folder;
        if (folder == folder.parent_path()) return std::nullopt;
    }
}

result<void> check_all(const std::vector<fs::path>& files)
{
    for (const fs::path& file : files)
        if (auto fine = check_file(file); !fine) return fine;
    return {};
}

} // namespace

result<void> check_git_folder(const fs::path& git_dir)
{
    std::vector<fs::path> files{git_dir / "commondir"};
    if (auto fine = check_all(files); !fine) return fine;
    const fs::path common = common_dir_of(git_dir);
    for (const char* name : files_of_one)
        files.push_back(git_dir / name);
    for (const char* name : shared_files)
        files.push_back(common / name);
    if (auto fine = check_all(files); !fine) return fine;
    included_files configuration(check_file);
    for (const fs::path& file : {common / "config", git_dir / "config.worktree"})
        if (auto fine = configuration.follow(file); !fine) return fine;
    return configuration.follow_users();
}

result<void> check_git_files(const fs::path& start)
{
    const auto git_dir = git_dir_above(start);
    if (!git_dir) return included_files(check_file).follow_users();
    return check_git_folder(*git_dir);
}

result<void> check_worktree_records(const repository& repo)
{
    if (auto fine = check_git_folder(repo.git_dir()); !fine) return fine;
    const auto records = worktree_git_dirs(repo);
    if (!records) return records.error();
    for (const fs::path& record : *records)
        for (const char* name : record_files)
            if (auto fine = check_file(record / name); !fine) return fine;
    return {};
}

} // namespace graftline::git
