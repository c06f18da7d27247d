#include "graftline/git/object_reader.hpp"

namespace graftline::git {
namespace {

std::string_view contents(git_odb_object* object)
{
    return {static_cast<const char*>(git_odb_object_data(object)), git_odb_object_size(object)};
}

} // namespace

result<std::string_view> object_reader::bytes(const git_oid& id, git_object_t type)
{
    auto known = kept_.find(id);
    if (known == kept_.end()) {
        odb_object_ptr object;
        if (const int code = git_odb_read(out(object), odb_.get(), &id); code < 0)
            return last_fault(code, "an object cannot be read");
        kept_bytes_ += git_odb_object_size(object.get()) + sizeof(git_oid) + 100;
        known = kept_.emplace(id, std::move(object)).first;
    }
    if (git_odb_object_type(known->second.get()) != type)
        return fault(errc::invalid, "an object is not what it should be").with("object", to_oid(id).hex());
    return contents(known->second.get());
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
    if (const auto known = kept_.find(blob); known != kept_.end())
        return git_odb_object_size(known->second.get());
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
