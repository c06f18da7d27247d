#include "graftline/git/objects/loose_objects.hpp"

#include "graftline/git/repository/libgit2.hpp"

#include <git2/odb_backend.h>
#include <git2/sys/odb_backend.h>

namespace graftline::git {
namespace {

using odb_ptr = owned<git_odb, git_odb_free>;

git_object_t type_of(object_kind kind)
{
    return kind == object_kind::blob   ? GIT_OBJECT_BLOB
           : kind == object_kind::tree ? GIT_OBJECT_TREE
                                       : GIT_OBJECT_COMMIT;
}

} // namespace

result<void> write_loose(const std::vector<new_object>& objects, const std::filesystem::path& directory)
{
    if (objects.empty()) return {};
    const libgit2_use in_use;
    odb_ptr store;
    if (const int code = git_odb_new(out(store)); code < 0)
        return last_fault(code, "no object store can be made");
    git_odb_backend* files = nullptr;
    constexpr int quick = 1; // it is gone in a moment; 0 writes what git cannot read
    int code = git_odb_backend_loose(&files, directory.c_str(), quick, 0, 0700, 0600);
    if (code == 0 && (code = git_odb_add_backend(store.get(), files, 1)) < 0) files->free(files);
    if (code < 0) return last_fault(code, "no object store can be made in " + directory.string());
    for (const new_object& one : objects) {
        git_oid id;
        code = git_odb_write(&id, store.get(), one.bytes.data(), one.bytes.size(), type_of(one.kind));
        if (code < 0) return last_fault(code, "an object cannot be written in " + directory.string());
    }
    return {};
}

} // namespace graftline::git
