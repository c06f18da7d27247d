#include "graftline/git/packs/pack_direct.hpp"

#include "graftline/git/objects/object_folder.hpp"
#include "graftline/git/objects/object_reader.hpp"
#include "graftline/git/objects/tree_cursor.hpp"

#include <span>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// Past these git is asked: it copies what is packed as it is, and never holds a large file in memory.
constexpr std::size_t most_objects = 5000;
constexpr std::size_t most_bytes = std::size_t{64} << 20;

/// The repository's objects with those of `made` on top, read through a handle that is used once: one that
/// lives on would show objects that are gone, and hold on to each pack.
result<object_reader> open_objects(const fs::path& objects, const new_objects& made, commit_history& history)
{
    odb_ptr odb;
    int code = git_odb_open(out(odb), objects.c_str());
    if (code == 0 && made.folder) code = git_odb_add_disk_alternate(odb.get(), made.folder->path().c_str());
    if (code < 0) return last_fault(code, "the objects cannot be opened");
    object_reader reader(std::move(odb));
    for (const new_object& one : made.in_memory) {
        auto id = from_oid(one.id);
        if (!id) return id.error();
        reader.keep(*id, static_cast<git_object_t>(libgit2_type(one.kind)), one.bytes);
        if (one.kind == object_kind::commit) history.learn(*id, one.bytes);
    }
    return reader;
}

/// The ids in the header of a commit.
struct commit_ids {
    git_oid tree;
    std::vector<git_oid> parents;
};

result<commit_ids> ids_of(std::string_view commit)
{
    const auto take = [&](std::string_view field, git_oid& id) {
        const std::size_t end = field.size() + GIT_OID_HEXSZ;
        if (!commit.starts_with(field) || commit.size() <= end || commit[end] != '\n' ||
            git_oid_fromstrn(&id, commit.data() + field.size(), GIT_OID_HEXSZ) < 0)
            return false;
        commit.remove_prefix(end + 1);
        return true;
    };
    commit_ids ids;
    if (!take("tree ", ids.tree)) return fault(errc::corrupt, "a commit without a tree");
    for (git_oid parent; take("parent ", parent);)
        ids.parents.push_back(parent);
    return ids;
}

/// Collects what is new.
class landing_pack {
public:
    landing_pack(object_reader& objects, const git_oid& from) : objects_(objects), from_(from) {}

    /// Parents before children: what a tree was found to share with the history below it holds only for a
    /// history that was packed already. (Where a child swaps two folders, each is seen in the place of the
    /// other.)
    result<packed_landing> collect(commit_history& history, const git_oid& to)
    {
        auto commits = history.between(objects_, to, from_);
        if (!commits) return commits.error();
        for (const git_oid& id : *commits)
            if (auto added = add_commit(id); !added) return added.error();
        return packed_landing{std::move(file_), holds_from_};
    }

private:
    result<void> add_commit(const git_oid& id)
    {
        auto bytes = objects_.commit(id);
        if (!bytes) return bytes.error();
        auto ids = ids_of(*bytes);
        if (!ids) return ids.error();
        auto added = add(id, GIT_OBJECT_COMMIT, *bytes);
        if (!added) return added;
        std::vector<git_oid> old;
        for (const git_oid& parent : ids->parents) {
            holds_from_ = holds_from_ || git_oid_equal(&parent, &from_);
            auto tree = objects_.tree_of(parent);
            if (!tree) return tree.error();
            if (git_oid_equal(&*tree, &ids->tree)) return {};
            old.push_back(*tree);
        }
        return add_tree(ids->tree, old);
    }

    /// Adds a tree and what in it differs from the same path in all of `old`. What is the same in one of them
    /// is in the history below: that is packed too, or `from` reaches it.
    result<void> add_tree(const git_oid& id, std::span<const git_oid> old)
    {
        if (seen_.contains(id)) return {};
        auto bytes = objects_.tree(id);
        if (!bytes) return bytes.error();
        std::vector<tree_cursor> before;
        for (const git_oid& one : old) {
            auto old_bytes = objects_.tree(one);
            if (!old_bytes) return old_bytes.error();
            before.emplace_back(*old_bytes);
        }
        tree_cursor now(*bytes);
        for (; !now.at_end(); now.next()) {
            auto added = add_entry(now.entry(), before);
            if (!added) return added;
        }
        // An old tree that is strange ends early: what it shares is packed once more.
        if (now.is_strange()) return fault(errc::unsupported, "a tree of unusual form");
        return add(id, GIT_OBJECT_TREE, *bytes);
    }

    result<void> add_entry(const tree_entry& entry, std::vector<tree_cursor>& before)
    {
        if (entry.type == entry_type::submodule) return {}; // another repository's
        std::vector<git_oid> old;
        bool is_old = false;
        for (tree_cursor& tree : before) {
            while (!tree.at_end() && compare_places(tree.entry(), entry) < 0)
                tree.next();
            if (tree.at_end() || compare_places(tree.entry(), entry) != 0) continue;
            is_old = is_old || git_oid_equal(&tree.entry().id, &entry.id);
            if (tree.entry().is_tree()) old.push_back(tree.entry().id);
        }
        if (is_old) return {};
        return entry.is_tree() ? add_tree(entry.id, old) : add_blob(entry.id);
    }

    result<void> add_blob(const git_oid& id)
    {
        if (seen_.contains(id)) return {};
        auto size = objects_.size_of(id); // before it is in memory
        if (!size) return size.error();
        if (*size > most_bytes) return fault(errc::unsupported, "much to pack");
        auto bytes = objects_.blob(id);
        if (!bytes) return bytes.error();
        return add(id, GIT_OBJECT_BLOB, *bytes);
    }

    result<void> add(const git_oid& id, git_object_t type, std::string_view bytes)
    {
        if (!seen_.insert(id).second) return {};
        if (seen_.size() > most_objects || file_.bytes() + bytes.size() > most_bytes)
            return fault(errc::unsupported, "much to pack");
        return file_.add(id, type, bytes);
    }

    object_reader& objects_;
    const git_oid from_;
    bool holds_from_ = false;
    pack_file file_;
    std::unordered_set<git_oid, raw_id_hash, raw_id_equal> seen_;
};

} // namespace

result<packed_landing> pack_direct(const fs::path& objects, const new_objects& made, const oid& to,
                                   const oid& from, commit_history& history)
{
    auto wanted = from_oid(to);
    auto known = from_oid(from);
    if (!wanted) return wanted.error();
    if (!known) return known.error();
    auto reader = open_objects(objects, made, history);
    if (!reader) return reader.error();
    return landing_pack(*reader, *known).collect(history, *wanted);
}

} // namespace graftline::git
