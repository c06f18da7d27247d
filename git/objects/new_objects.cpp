#include "graftline/git/objects/new_objects.hpp"

#include "graftline/git/repository/libgit2.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/runtime/async/offload.hpp"

#include <unistd.h>

#include <cerrno>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

git_object_t type_of(object_kind kind)
{
    switch (kind) {
    case object_kind::blob: return GIT_OBJECT_BLOB;
    case object_kind::tree: return GIT_OBJECT_TREE;
    case object_kind::commit: return GIT_OBJECT_COMMIT;
    }
    return GIT_OBJECT_INVALID;
}

result<void> write_loose(git_repository& repository, const std::vector<new_object>& objects)
{
    owned<git_odb, git_odb_free> odb;
    if (const int code = git_repository_odb(out(odb), &repository); code < 0)
        return last_fault(code, "the object database cannot be opened");
    for (const new_object& one : objects) {
        git_oid id;
        errno = 0;
        const int code = git_odb_write(&id, odb.get(), one.bytes.data(), one.bytes.size(), type_of(one.kind));
        if (code < 0) {
            const int why = errno;
            fault f = last_fault(code, "an object could not be written");
            return why == ENOSPC || why == EDQUOT ? system_fault(why, f.message()) : f;
        }
        if (to_oid(id) != one.id) return fault(errc::internal, "an object has another id than was said");
    }
    return {};
}

/// Puts a file where git looks for it unless one is there: an object's name says what is in it.
result<void> move_object(const fs::path& from, const fs::path& to)
{
    std::error_code failed;
    if (fs::exists(to, failed)) return {};
    fs::create_directories(to.parent_path(), failed);
    if (!failed) fs::rename(from, to, failed);
    if (failed) return system_fault(failed.value(), "cannot move an object to " + to.string());
    return {};
}

/// Loose objects and packs alike, the index of a pack after the pack: then it is there for readers.
result<void> move_all(const fs::path& from, const fs::path& to)
{
    std::vector<fs::path> files;
    std::vector<fs::path> indices;
    std::error_code failed;
    for (fs::recursive_directory_iterator at(from, failed), end; !failed && at != end; at.increment(failed)) {
        if (!at->is_regular_file(failed)) continue;
        const fs::path name = at->path().lexically_relative(from);
        const std::string file = name.filename().string();
        if (file.starts_with("tmp_") || *name.begin() == "info") continue; // git gave it up; not an object
        (name.extension() == ".idx" ? indices : files).push_back(name);
    }
    if (failed) return system_fault(failed.value(), "cannot read " + from.string());
    files.insert(files.end(), indices.begin(), indices.end());
    for (const fs::path& name : files)
        if (auto moved = move_object(from / name, to / name); !moved) return moved;
    return {};
}

} // namespace

awaitable<result<void>> write_objects(repository& repo, new_objects made)
{
    if (!made.in_memory.empty()) {
        auto write = [objects = std::move(made.in_memory)](git_repository& repository) {
            return write_loose(repository, objects);
        };
        auto written = co_await repo.direct().run(std::move(write));
        if (!written) co_return written.error();
    }
    if (made.folder) {
        auto move = [folder = made.folder, to = repo.common_dir() / "objects"] {
            return move_all(folder->path(), to);
        };
        auto moved = co_await offload(std::move(move));
        if (!moved) co_return moved.error();
    }
    co_return result<void>();
}

result<std::shared_ptr<scratch_folder>> make_object_folder(const repository& repo)
{
    auto folder = scratch_folder::make_beside_objects(repo, "objects");
    if (!folder) return folder.error();
    return std::make_shared<scratch_folder>(std::move(*folder));
}

void write_apart(command& git, const repository& repo, const fs::path& folder,
                 const std::vector<fs::path>& more)
{
    // Git goes on from there to what the repository's own info/alternates names.
    std::vector<fs::path> read{repo.common_dir() / "objects"};
    read.insert(read.end(), more.begin(), more.end());
    git.set("GIT_OBJECT_DIRECTORY", folder.string());
    git.set("GIT_ALTERNATE_OBJECT_DIRECTORIES", alternates_text(read));
}

std::string alternates_text(const std::vector<fs::path>& folders)
{
    std::string text;
    for (const fs::path& folder : folders) {
        text += text.empty() ? "\"" : ":\"";
        for (char c : folder.string()) {
            if (c == '"' || c == '\\') text += '\\';
            text += c;
        }
        text += '"';
    }
    return text;
}

} // namespace graftline::git
