#include "graftline/git/pack_direct.hpp"

#include "graftline/git/libgit2.hpp"
#include "graftline/git/object_folder.hpp"

#include <git2/sys/mempack.h>
#include <git2/sys/odb_backend.h>
#include <git2/sys/repository.h>

#include <cstring>
#include <span>
#include <string>
#include <unordered_set>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

using packbuilder_ptr = owned<git_packbuilder, git_packbuilder_free>;

/// Past these git is asked: it copies what is packed as it is, and never holds a large file in memory.
constexpr std::size_t most_objects = 5000;
constexpr std::size_t most_bytes = std::size_t{64} << 20;

struct same_id {
    bool operator()(const git_oid& one, const git_oid& other) const { return git_oid_equal(&one, &other); }
};
struct hash_of_id {
    std::size_t operator()(const git_oid& id) const
    {
        std::size_t hash;
        std::memcpy(&hash, id.id, sizeof hash);
        return hash;
    }
};

/// The repository's objects with those of `made` on top, in a handle that is used once. A handle that lives
/// on would show objects that are gone, and hold on to each pack.
class joined_objects {
public:
    result<void> open(const fs::path& objects, const new_objects& made)
    {
        int code = git_odb_open(out(odb_), objects.c_str());
        if (code == 0 && made.folder)
            code = git_odb_add_disk_alternate(odb_.get(), made.folder->path().c_str());
        if (code == 0) code = add(made.in_memory);
        if (code == 0) code = git_repository_new(out(repository_));
        if (code == 0) code = git_repository_set_odb(repository_.get(), odb_.get());
        if (code < 0) return last_fault(code, "the objects cannot be opened");
        return {};
    }
    git_repository* repository() const { return repository_.get(); }
    git_odb* odb() const { return odb_.get(); }

private:
    int add(const std::vector<new_object>& objects)
    {
        git_odb_backend* memory = nullptr;
        int code = git_mempack_new(&memory);
        if (code == 0) code = git_odb_add_backend(odb_.get(), memory, 999); // asked first; takes it
        for (const new_object& one : objects) {
            git_oid id;
            if (code == 0) code = git_oid_fromstr(&id, one.id.hex().c_str());
            // Not by git_odb_write, which would look for each on the disk, and leave out what is there.
            if (code == 0)
                code = memory->write(memory, &id, one.bytes.data(), one.bytes.size(),
                                     static_cast<git_object_t>(libgit2_type(one.kind)));
        }
        return code;
    }

    odb_ptr odb_;
    repository_ptr repository_;
};

/// A tree that another one is compared with, entry by entry.
class old_tree {
public:
    explicit old_tree(const git_tree* tree) : tree_(tree) {}

    /// The entry of this name. Cheap when names are asked for in the order of a tree.
    const git_tree_entry* find(const char* name)
    {
        for (std::size_t at = next_; at < next_ + 2; ++at) {
            const git_tree_entry* entry = git_tree_entry_byindex(tree_, at);
            if (!entry || std::strcmp(git_tree_entry_name(entry), name) != 0) continue;
            next_ = at + 1;
            return entry;
        }
        return git_tree_entry_byname(tree_, name);
    }

private:
    const git_tree* tree_;
    std::size_t next_ = 0;
};

/// Collects what is new and hands it to libgit2's packer.
class landing_pack {
public:
    landing_pack(const joined_objects& objects, const git_oid& from) : objects_(objects), from_(from) {}

    result<packed_landing> write(const git_oid& to, const fs::path& into)
    {
        if (const int code = git_packbuilder_new(out(packer_), objects_.repository()); code < 0)
            return last_fault(code, "no pack can be made");
        auto walked = walk(to);
        if (!walked) return walked.error();
        if (seen_.empty()) return packed_landing{std::nullopt, holds_from_};
        const int code = git_packbuilder_write(packer_.get(), into.c_str(), 0444, nullptr, nullptr);
        if (code < 0) return last_fault(code, "the pack cannot be written");
        return packed_landing{into / (std::string("pack-") + git_packbuilder_name(packer_.get())),
                              holds_from_};
    }

private:
    /// Parents before children: what a tree was found to share with the history below it holds only for a
    /// history that was packed already. (Where a child swaps two folders, each is seen in the place of the
    /// other.)
    result<void> walk(const git_oid& to)
    {
        revwalk_ptr commits;
        int code = git_revwalk_new(out(commits), objects_.repository());
        if (code == 0) code = git_revwalk_sorting(commits.get(), GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE);
        if (code == 0) code = git_revwalk_push(commits.get(), &to);
        if (code == 0) code = git_revwalk_hide(commits.get(), &from_);
        git_oid id;
        while (code == 0 && (code = git_revwalk_next(&id, commits.get())) == 0) {
            auto added = add_commit(id);
            if (!added) return added;
        }
        if (code != GIT_ITEROVER) return last_fault(code, "the commits of the landing cannot be walked");
        return {};
    }

    result<void> add_commit(const git_oid& id)
    {
        auto added = add(id, nullptr);
        if (!added) return added;
        commit_ptr commit;
        if (const int code = git_commit_lookup(out(commit), objects_.repository(), &id); code < 0)
            return last_fault(code, "a commit of the landing is missing");
        std::vector<git_oid> old;
        for (unsigned at = 0; at < git_commit_parentcount(commit.get()); ++at) {
            commit_ptr parent;
            if (const int code = git_commit_parent(out(parent), commit.get(), at); code < 0)
                return last_fault(code, "a parent in the landing is missing");
            old.push_back(*git_commit_tree_id(parent.get()));
            holds_from_ = holds_from_ || git_oid_equal(git_commit_id(parent.get()), &from_);
        }
        const git_oid& tree = *git_commit_tree_id(commit.get());
        for (const git_oid& one : old)
            if (git_oid_equal(&one, &tree)) return {};
        return add_tree(tree, old, "");
    }

    /// Adds a tree and what in it differs from the same path in all of `old`. What is the same in one of them
    /// is in the history below: that is packed too, or `from` reaches it.
    result<void> add_tree(const git_oid& id, std::span<const git_oid> old, const char* name)
    {
        if (seen_.contains(id)) return {};
        tree_ptr tree;
        if (const int code = git_tree_lookup(out(tree), objects_.repository(), &id); code < 0)
            return last_fault(code, "a tree of the landing is missing");
        std::vector<tree_ptr> old_trees(old.size());
        std::vector<old_tree> compared;
        for (std::size_t at = 0; at < old.size(); ++at) {
            if (const int code = git_tree_lookup(out(old_trees[at]), objects_.repository(), &old[at]);
                code < 0)
                return last_fault(code, "a tree below the landing is missing");
            compared.emplace_back(old_trees[at].get());
        }
        for (std::size_t at = 0; at < git_tree_entrycount(tree.get()); ++at) {
            auto added = add_entry(*git_tree_entry_byindex(tree.get(), at), compared);
            if (!added) return added;
        }
        return add(id, name);
    }

    result<void> add_entry(const git_tree_entry& entry, std::vector<old_tree>& compared)
    {
        const git_oid& id = *git_tree_entry_id(&entry);
        const char* name = git_tree_entry_name(&entry);
        const git_object_t type = git_tree_entry_type(&entry);
        if (type == GIT_OBJECT_COMMIT) return {}; // of a submodule: another repository's
        std::vector<git_oid> old;
        for (old_tree& tree : compared) {
            const git_tree_entry* before = tree.find(name);
            if (!before) continue;
            if (git_oid_equal(git_tree_entry_id(before), &id)) return {};
            if (git_tree_entry_type(before) == GIT_OBJECT_TREE) old.push_back(*git_tree_entry_id(before));
        }
        return type == GIT_OBJECT_TREE ? add_tree(id, old, name) : add(id, name);
    }

    result<void> add(const git_oid& id, const char* name)
    {
        if (!seen_.insert(id).second) return {};
        std::size_t size = 0;
        git_object_t type;
        if (const int code = git_odb_read_header(&size, &type, objects_.odb(), &id); code < 0)
            return last_fault(code, "an object of the landing is missing");
        bytes_ += size;
        if (seen_.size() > most_objects || bytes_ > most_bytes)
            return fault(errc::unsupported, "much to pack");
        if (const int code = git_packbuilder_insert(packer_.get(), &id, name); code < 0)
            return last_fault(code, "an object of the landing cannot be packed");
        return {};
    }

    const joined_objects& objects_;
    const git_oid from_;
    bool holds_from_ = false;
    packbuilder_ptr packer_;
    std::unordered_set<git_oid, hash_of_id, same_id> seen_;
    std::size_t bytes_ = 0;
};

} // namespace

result<packed_landing> pack_direct(const fs::path& objects, const new_objects& made, const oid& to,
                                   const oid& from, const fs::path& into)
{
    auto wanted = from_oid(to);
    auto known = from_oid(from);
    if (!wanted) return wanted.error();
    if (!known) return known.error();
    joined_objects all;
    auto opened = all.open(objects, made);
    if (!opened) return opened.error();
    return landing_pack(all, *known).write(*wanted, into);
}

} // namespace graftline::git
