#include "graftline/git/repository/git_files.hpp"

#include "graftline/git/repository/included_files.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/files/small_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <set>
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
/// Folders in which git opens whatever it finds: those that all worktrees share, and ours in a record.
constexpr const char* shared_folders[]{"refs",         "logs",         "objects",  "info",
                                       "rebase-merge", "rebase-apply", "sequencer"};
constexpr const char* folders_of_one[]{"refs",      "logs", "graftline-rules", "rebase-merge", "rebase-apply",
                                       "sequencer", "info"};

bool is_nothing(const struct stat& about)
{
    return S_ISCHR(about.st_mode) && about.st_rdev == makedev(1, 3); // /dev/null
}

bool makes_wait(mode_t mode)
{
    return S_ISFIFO(mode) || S_ISCHR(mode) || S_ISBLK(mode);
}

result<void> check_file(const fs::path& file)
{
    struct stat about{};
    if (::stat(file.c_str(), &about) != 0 || S_ISREG(about.st_mode) || is_nothing(about)) return {};
    return fault(errc::unusable, (makes_wait(about.st_mode) ? "git would wait for ever for what is no file: "
                                                            : "git cannot read what is no file: ") +
                                     file.string())
        .with("found", kind_of_file(about.st_mode))
        .advise("Put the file back or remove what is there, then try again.");
}

/// The same of what git reads in a work tree: it passes over a folder there.
result<void> check_rules_file(const fs::path& file)
{
    struct stat about{};
    if (::stat(file.c_str(), &about) != 0 || !makes_wait(about.st_mode)) return {};
    return check_file(file);
}

/// Refuses what makes whoever opens it wait, whatever its name: git has a file for each thing half done, a
/// message and an id, and a tool of the user's may keep a socket there.
result<void> check_top_of(const fs::path& folder)
{
    std::error_code failed;
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
        std::error_code ignored;
        const bool is_plain = at->is_regular_file(ignored) || at->is_directory(ignored);
        if (is_plain) continue;
        if (auto fine = check_rules_file(at->path()); !fine) return fine;
    }
    return {};
}

/// Looks at all below a folder by the types that its listing gives.
class listing {
public:
    result<void> look_below(const fs::path& folder) { return look_into(AT_FDCWD, folder.string(), folder); }

private:
    /// `name` is looked up from the folder that is open as `above`; `path` is for a person.
    result<void> look_into(int above, const std::string& name, const fs::path& path)
    {
        const descriptor opened(::openat(above, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!opened) return {}; // not there, or closed to git as well
        std::vector<std::string> folders;
        ssize_t size = 0;
        while ((size = ::getdents64(opened.get(), entries_.data(), entries_.size())) > 0)
            for (ssize_t at = 0; at < size;) {
                const auto& each = reinterpret_cast<const dirent64&>(entries_[static_cast<std::size_t>(at)]);
                at += each.d_reclen;
                const std::string_view found = each.d_name;
                if (each.d_type == DT_REG || found == "." || found == "..") continue;
                if (each.d_type == DT_DIR)
                    folders.emplace_back(found);
                else if (auto fine = look_behind(opened.get(), each.d_name, path, folders); !fine)
                    return fine;
            }
        for (const std::string& inner : folders)
            if (auto fine = look_into(opened.get(), inner, path / inner); !fine) return fine;
        return {};
    }

    /// A link, what is no file, or what the file system gives no type for.
    result<void> look_behind(int folder, const char* name, const fs::path& path,
                             std::vector<std::string>& folders)
    {
        struct stat about{};
        if (::fstatat(folder, name, &about, 0) != 0) return {};
        if (!S_ISDIR(about.st_mode)) return check_file(path / name);
        if (linked_.emplace(about.st_dev, about.st_ino).second) folders.emplace_back(name);
        return {};
    }

    alignas(dirent64) std::array<char, 32 * 1024> entries_;
    std::set<std::pair<dev_t, ino_t>> linked_; ///< links may lead in circles
};

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

/// The object folders that those of a repository borrow from, and these in turn.
std::vector<fs::path> borrowed_by(const fs::path& objects)
{
    constexpr std::size_t most = 32; // git follows fewer
    std::vector<fs::path> folders{objects};
    for (std::size_t at = 0; at < folders.size() && folders.size() < most; ++at) {
        const auto file = folders[at] / "info/alternates";
        if (auto fine = check_file(file); !fine) continue; // refused with the folder it lies in
        const auto text = read_small_file(file, 64 * 1024);
        if (!text || !*text) continue;
        for (const std::string& line : records_of(**text, '\n')) {
            if (line.empty() || line.starts_with('#') || line.starts_with('"')) continue;
            const fs::path other = (folders[at] / line).lexically_normal();
            if (std::ranges::find(folders, other) == folders.end()) folders.push_back(other);
        }
    }
    folders.erase(folders.begin());
    return folders;
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
    for (const fs::path& folder : std::set<fs::path>{git_dir, common, common / "graftline"})
        if (auto fine = check_top_of(folder); !fine) return fine;
    if (git_dir != common)
        for (const char* folder : folders_of_one)
            if (auto fine = listing().look_below(git_dir / folder); !fine) return fine;
    included_files configuration(check_file);
    for (const fs::path& file : {common / "config", git_dir / "config.worktree"})
        if (auto fine = configuration.follow(file); !fine) return fine;
    return configuration.follow_users();
}

result<void> check_listed_files(const fs::path& git_dir)
{
    const fs::path common = common_dir_of(git_dir);
    for (const char* folder : shared_folders)
        if (auto fine = listing().look_below(common / folder); !fine) return fine;
    for (const fs::path& folder : borrowed_by(common / "objects"))
        if (auto fine = listing().look_below(folder); !fine) return fine;
    return {};
}

result<void> check_rules_in_tree(const fs::path& top, const std::vector<std::string>& paths)
{
    std::set<fs::path> folders{top};
    for (const std::string& path : paths)
        for (fs::path above = fs::path(path).parent_path(); !above.empty(); above = above.parent_path())
            if (!folders.insert(top / above).second) break;
    for (const fs::path& folder : folders)
        for (const char* name : {".gitattributes", ".gitignore"})
            if (auto fine = check_rules_file(folder / name); !fine) return fine;
    return check_rules_file(top / ".gitmodules");
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
