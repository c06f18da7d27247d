#include "graftline/git/objects/object_reader.hpp"

#include <cstdlib>
#include <new>

namespace graftline::git {
namespace {

/// What an object takes up besides its bytes, roughly.
constexpr std::size_t overhead = 100;

kept_object copy_of(std::string_view bytes, git_object_t type)
{
    std::unique_ptr<char, object_bytes_freer> memory(static_cast<char*>(std::malloc(bytes.size() + 1)));
    if (!memory) throw std::bad_alloc();
    std::memcpy(memory.get(), bytes.data(), bytes.size());
    return {std::move(memory), bytes.size(), type};
}

} // namespace

void object_bytes_freer::operator()(char* bytes) const noexcept
{
    if (from)
        git_odb_backend_data_free(from, bytes);
    else
        std::free(bytes);
}

/// Asks what stores the objects, not the database above it: that one computes each object's id again, which
/// takes longer than all of the rest. Git does not do so when it merges.
result<kept_object> object_reader::read(const git_oid& id)
{
    for (std::size_t at = 0; at < git_odb_num_backends(odb_.get()); ++at) {
        git_odb_backend* backend = nullptr;
        void* bytes = nullptr;
        std::size_t size = 0;
        git_object_t type{};
        if (git_odb_get_backend(&backend, odb_.get(), at) == 0 && backend->read &&
            backend->read(&bytes, &size, &type, backend, &id) == 0)
            return kept_object{{static_cast<char*>(bytes), object_bytes_freer{backend}}, size, type};
    }
    // The database knows the empty tree without being told, and looks again for packs of other processes.
    odb_object_ptr object;
    if (const int code = git_odb_read(out(object), odb_.get(), &id); code < 0)
        return last_fault(code, "an object cannot be read");
    const std::string_view bytes(static_cast<const char*>(git_odb_object_data(object.get())),
                                 git_odb_object_size(object.get()));
    return copy_of(bytes, git_odb_object_type(object.get()));
}

result<std::string_view> object_reader::bytes(const git_oid& id, git_object_t type)
{
    auto known = kept_.find(id);
    if (known == kept_.end()) {
        auto object = read(id);
        if (!object) return object.error();
        kept_bytes_ += object->size + overhead;
        known = kept_.emplace(id, std::move(*object)).first;
    }
    const kept_object& object = known->second;
    if (object.type != type)
        return fault(errc::invalid, "an object is not what it should be").with("object", to_oid(id).hex());
    return std::string_view(object.memory.get(), object.size);
}

void object_reader::keep(const git_oid& id, git_object_t type, std::string_view bytes)
{
    if (kept_.emplace(id, copy_of(bytes, type)).second) kept_bytes_ += bytes.size() + overhead;
}

result<git_oid> object_reader::tree_of(const git_oid& commit)
{
    auto text = bytes(commit, GIT_OBJECT_COMMIT);
    if (!text) return text.error();
    constexpr std::string_view begin = "tree ";
    git_oid tree;
    if (!text->starts_with(begin) || text->size() < begin.size() + GIT_OID_HEXSZ ||
        git_oid_fromstrn(&tree, text->data() + begin.size(), GIT_OID_HEXSZ) < 0)
        return fault(errc::invalid, "a commit without a tree").with("commit", to_oid(commit).hex());
    return tree;
}

result<std::size_t> object_reader::size_of(const git_oid& blob)
{
    if (const auto known = kept_.find(blob); known != kept_.end()) return known->second.size;
    std::size_t size = 0;
    git_object_t type{};
    if (const int code = git_odb_read_header(&size, &type, odb_.get(), &blob); code < 0)
        return last_fault(code, "an object cannot be read");
    return size;
}

void object_reader::trim(std::size_t bytes)
{
    if (kept_bytes_ <= bytes) return;
    kept_.clear();
    kept_bytes_ = 0;
}

} // namespace graftline::git
