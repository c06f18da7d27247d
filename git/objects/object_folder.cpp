#include "graftline/git/objects/object_folder.hpp"

#include "graftline/git/repository/libgit2.hpp"
#include "graftline/git/repository/repository.hpp"

#include <git2/odb_backend.h>
#include <git2/sys/odb_backend.h>

namespace graftline::git {
namespace {

result<void> write_loose(const std::vector<new_object>& objects, const std::filesystem::path& folder)
{
    odb_ptr odb;
    git_odb_backend* loose = nullptr;
    int code = git_odb_new(out(odb));
    if (code == 0) code = git_odb_backend_loose(&loose, folder.c_str(), -1, 0, 0, 0);
    if (code == 0) code = git_odb_add_backend(odb.get(), loose, 1); // takes it
    for (const new_object& one : objects) {
        git_oid id;
        if (code == 0)
            code = git_odb_write(&id, odb.get(), one.bytes.data(), one.bytes.size(),
                                 static_cast<git_object_t>(libgit2_type(one.kind)));
    }
    if (code < 0) return last_fault(code, "objects cannot be written to " + folder.string());
    return {};
}

} // namespace

int libgit2_type(object_kind kind) noexcept
{
    switch (kind) {
    case object_kind::blob: return GIT_OBJECT_BLOB;
    case object_kind::tree: return GIT_OBJECT_TREE;
    case object_kind::commit: return GIT_OBJECT_COMMIT;
    }
    return GIT_OBJECT_INVALID;
}

awaitable<result<void>> write_to_folder(repository& repo, new_objects& made)
{
    if (made.in_memory.empty()) co_return result<void>();
    if (!made.folder) {
        auto folder = make_object_folder(repo);
        if (!folder) co_return folder.error();
        made.folder = std::move(*folder);
    }
    auto job = [objects = std::move(made.in_memory), folder = made.folder](git_repository&) {
        return write_loose(objects, folder->path());
    };
    made.in_memory.clear();
    co_return co_await repo.direct().run(std::move(job));
}

} // namespace graftline::git
