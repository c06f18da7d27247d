/// Reads objects from an object database and keeps what was read.
#pragma once

#include "graftline/git/repository/libgit2.hpp"
#include "graftline/git/repository/raw_id.hpp"

#include <git2/sys/odb_backend.h>

#include <memory>
#include <string_view>
#include <unordered_map>

namespace graftline::git {

using odb_object_ptr = owned<git_odb_object, git_odb_object_free>;

/// Frees an object's bytes.
struct object_bytes_freer {
    git_odb_backend* from = nullptr; ///< what read them; null: we made them
    void operator()(char* bytes) const noexcept;
};

/// An object in memory.
struct kept_object {
    std::unique_ptr<char, object_bytes_freer> memory;
    std::size_t size = 0;
    git_object_t type{};
};

/// Objects never change, so what was read once is good for ever. Used by one thread at a time.
class object_reader {
public:
    explicit object_reader(odb_ptr odb) : odb_(std::move(odb)) {}
    bool is_of(const git_odb* odb) const noexcept { return odb_.get() == odb; }

    /// What git hashes of an object, without its header; valid until `trim`. Errors: libgit2's, invalid when
    /// it is something else.
    result<std::string_view> tree(const git_oid& id) { return bytes(id, GIT_OBJECT_TREE); }
    result<std::string_view> blob(const git_oid& id) { return bytes(id, GIT_OBJECT_BLOB); }
    result<std::string_view> commit(const git_oid& id) { return bytes(id, GIT_OBJECT_COMMIT); }
    /// The tree of a commit.
    result<git_oid> tree_of(const git_oid& commit);
    /// How large a blob is, without reading it.
    result<std::size_t> size_of(const git_oid& blob);

    /// Keeps what was just made: it will be read next, if it lands.
    void keep(const git_oid& id, git_object_t type, std::string_view bytes);
    /// Lets go of everything if it has become more than `bytes`.
    void trim(std::size_t bytes);

private:
    result<std::string_view> bytes(const git_oid& id, git_object_t type);
    result<kept_object> read(const git_oid& id);

    odb_ptr odb_;
    std::unordered_map<git_oid, kept_object, raw_id_hash, raw_id_equal> kept_;
    std::size_t kept_bytes_ = 0;
};

} // namespace graftline::git
