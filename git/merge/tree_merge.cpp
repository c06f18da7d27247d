#include "graftline/git/merge/tree_merge.hpp"

#include "graftline/git/merge/rename_watch.hpp"
#include "graftline/git/objects/tree_cursor.hpp"

#include <algorithm>
#include <deque>
#include <optional>

namespace graftline::git {
namespace {

fault for_git(const char* why)
{
    return fault(errc::unsupported, why);
}

/// Deeper than any path that a system call takes: a tree made to exhaust the stack.
constexpr std::size_t deepest = 2048;

/// The entries of one name on the three sides.
struct place {
    const tree_entry& base;
    const tree_entry& ours;
    const tree_entry& theirs;

    const tree_entry& any() const noexcept
    {
        return ours.is_there() ? ours : theirs.is_there() ? theirs : base;
    }
    const tree_entry& of(merge_side side) const noexcept { return side == merge_side::ours ? ours : theirs; }
};

/// A folder that is being merged: it differs on both sides.
struct folder {
    const folder* above;
    std::string_view name;
    std::string_view ours; ///< the bytes of its tree
    std::size_t depth = 0;
    bool removed_by[2]{}; ///< the side has no such folder any more, the base has
    std::string path() const { return above ? above->path() + std::string(name) + "/" : std::string(); }
    bool is_removed_by(merge_side side) const noexcept { return removed_by[static_cast<std::size_t>(side)]; }
};

/// A file whose contents both sides changed.
struct double_change {
    const folder* in;
    std::string_view name;
    git_oid base, ours, theirs;
};

/// Where an id is not known yet: in the bytes of a merged tree.
struct gap {
    std::size_t at;   ///< of the id, in bytes
    std::size_t what; ///< number of a merged tree or of a double change
    bool is_tree;
};

struct tree_source {
    std::string_view bytes;
    git_oid id{};
};

/// A tree that was put together; its gaps refer to trees before it.
struct merged_tree {
    std::string bytes;
    std::vector<gap> gaps;
    tree_source sources[3]; ///< what it was made from: if it is one of them, it is not new
};

class walk {
public:
    walk(object_reader& objects, const merge_trees& sides) : objects_(objects), sides_(sides) {}

    /// Goes through the trees and learns what is to be done; contents are not merged yet.
    result<void> go();

    std::vector<merged_tree> trees;   ///< the last one is the whole
    std::vector<double_change> files; ///< to be merged
    std::vector<merge_conflict> conflicts;
    std::optional<git_oid> whole; ///< there is nothing to put together: this is it

private:
    /// The number of the merged tree; nullopt when nothing is left in it.
    result<std::optional<std::size_t>> merge_folder(folder& in, const tree_entry& base,
                                                    const tree_entry& ours, const tree_entry& theirs);
    result<void> merge_place(const folder& in, const place& at, merged_tree& into);
    result<void> merge_both_changed(const folder& in, const place& at, merged_tree& into);
    result<void> merge_below(const folder& in, const place& at, merged_tree& into);
    result<void> merge_file(const folder& in, const place& at, merged_tree& into);
    result<void> keep_modified(const folder& in, const place& at, merge_side deleted, merged_tree& into);
    result<void> note_alone(merge_side side, const place& at);
    result<void> note_alike(const place& at);
    result<std::string_view> bytes_of(const tree_entry& entry);

    object_reader& objects_;
    const merge_trees& sides_;
    rename_watch renames_;
    std::deque<folder> folders_; ///< stable addresses
};

void append(merged_tree& into, std::string_view mode, std::string_view name, const git_oid& id)
{
    into.bytes.append(mode).append(1, ' ').append(name).append(1, '\0');
    into.bytes.append(reinterpret_cast<const char*>(id.id), GIT_OID_RAWSZ);
}

void append_gap(merged_tree& into, std::string_view mode, std::string_view name, std::size_t what,
                bool is_tree)
{
    append(into, mode, name, git_oid{});
    into.gaps.push_back({into.bytes.size() - GIT_OID_RAWSZ, what, is_tree});
}

result<std::string_view> walk::bytes_of(const tree_entry& entry)
{
    if (!entry.is_there()) return std::string_view();
    return objects_.tree(entry.id);
}

result<void> walk::go()
{
    tree_entry base, ours, theirs;
    base.type = ours.type = theirs.type = entry_type::tree;
    base.id = sides_.base;
    ours.id = sides_.ours;
    theirs.id = sides_.theirs;
    // One side changed nothing: neither renames nor conflicts can come of that.
    if (ours.same_as(base) || theirs.same_as(base) || ours.same_as(theirs)) {
        whole = ours.same_as(base) ? theirs.id : ours.id;
        return {};
    }
    folders_.push_back(folder{});
    auto root = merge_folder(folders_.front(), base, ours, theirs);
    if (!root) return root.error();
    auto alarmed = renames_.finish(objects_);
    if (!alarmed) return alarmed.error();
    if (*alarmed) return for_git("something may have been renamed");
    if (!*root) trees.emplace_back(); // everything was deleted
    return {};
}

/// A file and a folder of one name stand at different places. True if such a pair is among what changed.
bool meets_a_file(const std::vector<std::string_view>& changed_files, std::string_view folder_name)
{
    // Between "a" and "a/" lie only names that begin with "a".
    for (auto at = changed_files.rbegin(); at != changed_files.rend() && at->starts_with(folder_name); ++at)
        if (*at == folder_name) return true;
    return false;
}

result<std::optional<std::size_t>> walk::merge_folder(folder& in, const tree_entry& base,
                                                      const tree_entry& ours, const tree_entry& theirs)
{
    merged_tree made;
    tree_cursor cursors[3];
    const tree_entry* const entries[3] = {&base, &ours, &theirs};
    for (int side = 0; side < 3; ++side) {
        auto bytes = bytes_of(*entries[side]);
        if (!bytes) return bytes.error();
        made.sources[side] = {*bytes, entries[side]->id};
        cursors[side] = tree_cursor(*bytes);
    }
    auto& [b, o, t] = cursors;
    in.ours = made.sources[1].bytes;

    static const tree_entry nothing;
    std::vector<std::string_view> changed_files;
    while (!b.at_end() || !o.at_end() || !t.at_end()) {
        if (const std::size_t same = common_entries(o.rest(), b.rest(), t.rest())) {
            made.bytes.append(o.rest().substr(0, same));
            for (tree_cursor& cursor : cursors)
                cursor.skip(same);
            continue;
        }
        const tree_entry* first = nullptr;
        for (const tree_cursor& cursor : cursors)
            if (!cursor.at_end() && (!first || compare_places(cursor.entry(), *first) < 0))
                first = &cursor.entry();
        bool has[3];
        for (int side = 0; side < 3; ++side)
            has[side] = !cursors[side].at_end() && compare_places(cursors[side].entry(), *first) == 0;
        const place at{has[0] ? b.entry() : nothing, has[1] ? o.entry() : nothing,
                       has[2] ? t.entry() : nothing};
        if (!first->is_tree())
            changed_files.push_back(first->name);
        else if (meets_a_file(changed_files, first->name))
            return for_git("a folder here, a file there");
        auto merged = merge_place(in, at, made);
        if (!merged) return merged.error();
        if (renames_.is_alarmed()) return for_git("something may have been renamed");
        for (int side = 0; side < 3; ++side)
            if (has[side]) cursors[side].next();
    }
    for (const tree_cursor& cursor : cursors)
        if (cursor.is_strange()) return for_git("a tree of unusual form");
    if (made.bytes.empty()) return std::optional<std::size_t>();
    trees.push_back(std::move(made));
    return std::optional<std::size_t>(trees.size() - 1);
}

result<void> walk::merge_place(const folder& in, const place& at, merged_tree& into)
{
    const tree_entry* taken = nullptr;
    result<void> noted;
    if (at.ours.same_as(at.theirs)) {
        noted = note_alike(at);
        taken = &at.ours;
    } else if (at.theirs.same_as(at.base)) {
        noted = note_alone(merge_side::ours, at);
        taken = &at.ours;
    } else if (at.ours.same_as(at.base)) {
        noted = note_alone(merge_side::theirs, at);
        taken = &at.theirs;
    } else {
        return merge_both_changed(in, at, into);
    }
    if (!noted) return noted;
    for (const merge_side side : {merge_side::ours, merge_side::theirs})
        if (in.is_removed_by(other_side(side)) && at.of(side).is_there() && !at.base.is_there())
            renames_.relevant_deletion(other_side(side));
    if (taken->is_there()) into.bytes.append(taken->raw);
    return {};
}

/// Only `side` changed this; the other has it as the base.
result<void> walk::note_alone(merge_side side, const place& at)
{
    const tree_entry& changed = at.of(side);
    if (!changed.is_there()) return {};
    if (!at.base.is_there())
        renames_.addition(side);
    else if (changed.type != at.base.type)
        return for_git("a change of type");
    else if (changed.is_tree())
        renames_.changed_alone(side, at.base.id, changed.id);
    return {};
}

/// Both sides made the same of it, which may be nothing.
result<void> walk::note_alike(const place& at)
{
    if (at.ours.same_as(at.base)) return {};
    if (!at.base.is_there()) {
        renames_.addition(merge_side::ours);
        renames_.addition(merge_side::theirs);
    } else if (!at.ours.is_there()) {
        renames_.relevant_deletion(merge_side::ours);
        renames_.relevant_deletion(merge_side::theirs);
    } else if (at.ours.type != at.base.type) {
        return for_git("a change of type");
    } else if (at.ours.is_tree()) {
        return renames_.changed_alike(objects_, at.base.id, at.ours.id);
    }
    return {};
}

result<void> walk::merge_both_changed(const folder& in, const place& at, merged_tree& into)
{
    if (at.any().is_tree()) return merge_below(in, at, into);
    if (!at.base.is_there()) return for_git("added on both sides");
    for (const tree_entry* entry : {&at.base, &at.ours, &at.theirs})
        if (entry->is_there() && !entry->is_file()) return for_git("no regular file on all sides");
    if (!at.ours.is_there()) return keep_modified(in, at, merge_side::ours, into);
    if (!at.theirs.is_there()) return keep_modified(in, at, merge_side::theirs, into);
    return merge_file(in, at, into);
}

/// Folders that differ on all sides that have them.
result<void> walk::merge_below(const folder& in, const place& at, merged_tree& into)
{
    if (in.depth == deepest) return for_git("folders in folders without end");
    folder& below = folders_.emplace_back();
    below.above = &in;
    below.depth = in.depth + 1;
    below.name = at.any().name;
    for (const merge_side side : {merge_side::ours, merge_side::theirs})
        below.removed_by[static_cast<std::size_t>(side)] =
            in.is_removed_by(side) || (at.base.is_there() && !at.of(side).is_there());
    auto merged = merge_folder(below, at.base, at.ours, at.theirs);
    if (!merged) return merged.error();
    if (*merged) append_gap(into, mode_text(entry_type::tree, false), below.name, **merged, true);
    return {};
}

result<void> walk::merge_file(const folder& in, const place& at, merged_tree& into)
{
    const bool ours_mode = at.ours.executable != at.base.executable;
    const bool theirs_mode = at.theirs.executable != at.base.executable;
    if (ours_mode && theirs_mode) return for_git("the mode was changed on both sides");
    const bool executable = ours_mode ? at.ours.executable : at.theirs.executable;
    const std::string_view mode = mode_text(entry_type::file, executable);
    const auto equal = [](const tree_entry& one, const tree_entry& other) {
        return raw_id_equal()(one.id, other.id);
    };
    if (equal(at.ours, at.theirs) || equal(at.theirs, at.base)) {
        append(into, mode, at.ours.name, at.ours.id);
    } else if (equal(at.ours, at.base)) {
        append(into, mode, at.ours.name, at.theirs.id);
    } else {
        append_gap(into, mode, at.ours.name, files.size(), false);
        files.push_back({&in, at.ours.name, at.base.id, at.ours.id, at.theirs.id});
    }
    return {};
}

/// One side deleted what the other changed: a conflict, and the changed file stays.
result<void> walk::keep_modified(const folder& in, const place& at, merge_side deleted, merged_tree& into)
{
    renames_.relevant_deletion(deleted);
    const tree_entry& modified = at.of(other_side(deleted));
    conflicts.push_back({in.path() + std::string(modified.name), "modify/delete"});
    into.bytes.append(modified.raw);
    return {};
}

/// Merges the contents that the walk left, and gives all that is new its id.
class finish {
public:
    finish(object_reader& objects, merge_surroundings& around, const side_labels& labels)
        : objects_(objects), around_(around), labels_(labels)
    {
    }

    result<void> merge_files(const std::vector<double_change>& files);
    result<git_oid> put_together(std::vector<merged_tree> trees);

    merge_outcome outcome;

private:
    result<void> merge_one(const double_change& file, const std::string& path);
    result<bool> has_attributes(const double_change& file, const std::string& path);
    result<const merge_attributes*> attributes_of(const folder& in);
    result<git_oid> add(object_kind kind, std::string bytes);

    object_reader& objects_;
    merge_surroundings& around_;
    const side_labels& labels_;
    std::vector<git_oid> file_ids_;
};

result<git_oid> finish::add(object_kind kind, std::string bytes)
{
    git_oid id;
    const git_object_t type = kind == object_kind::tree ? GIT_OBJECT_TREE : GIT_OBJECT_BLOB;
    if (const int code = git_odb_hash(&id, bytes.data(), bytes.size(), type); code < 0)
        return last_fault(code, "an object has no id");
    if (kind == object_kind::tree) objects_.keep(id, type, bytes);
    outcome.objects.in_memory.push_back({to_oid(id), kind, std::move(bytes)});
    return id;
}

/// The attributes file of a folder, as ours has it; nullptr when there is none.
result<const merge_attributes*> finish::attributes_of(const folder& in)
{
    constexpr std::string_view file_name = ".gitattributes";
    for (tree_cursor at(in.ours); !at.at_end() && at.entry().name <= file_name; at.next()) {
        if (at.entry().name != file_name) continue;
        if (!at.entry().is_file()) return for_git("attributes that are no file");
        const git_oid id = at.entry().id;
        if (const auto known = around_.known_attributes.find(id); known != around_.known_attributes.end())
            return &known->second;
        auto text = objects_.blob(id);
        if (!text) return text.error();
        return &around_.known_attributes.emplace(id, merge_attributes(*text)).first->second;
    }
    return nullptr;
}

result<bool> finish::has_attributes(const double_change& file, const std::string& path)
{
    const auto may_match = [&](const merge_attributes& outside) { return outside.may_match(path); };
    if (around_.attributes && std::ranges::any_of(*around_.attributes, may_match)) return true;
    for (const folder* in = file.in; in; in = in->above) {
        auto attributes = attributes_of(*in);
        if (!attributes) return attributes.error();
        if (*attributes && (*attributes)->may_match(std::string_view(path).substr(in->path().size())))
            return true;
    }
    return false;
}

result<void> finish::merge_one(const double_change& file, const std::string& path)
{
    auto special = has_attributes(file, path);
    if (!special) return special.error();
    if (*special) return for_git("a merge attribute");
    std::string_view contents[3];
    const git_oid* const ids[3] = {&file.base, &file.ours, &file.theirs};
    for (int side = 0; side < 3; ++side) {
        auto size = objects_.size_of(*ids[side]);
        if (!size) return size.error();
        if (*size > largest_merged) return for_git("huge contents");
        auto bytes = objects_.blob(*ids[side]);
        if (!bytes) return bytes.error();
        contents[side] = *bytes;
    }
    auto merged = merge_contents(contents[0], contents[1], contents[2], labels_);
    if (!merged) return merged.error();
    if (!merged->clean) outcome.conflicts.push_back({path, "contents"});
    for (int side = 1; side < 3; ++side) {
        if (merged->text != contents[side]) continue;
        file_ids_.push_back(*ids[side]);
        return {};
    }
    auto id = add(object_kind::blob, std::move(merged->text));
    if (!id) return id.error();
    file_ids_.push_back(*id);
    return {};
}

result<void> finish::merge_files(const std::vector<double_change>& files)
{
    for (const double_change& file : files)
        if (auto merged = merge_one(file, file.in->path() + std::string(file.name)); !merged) return merged;
    return {};
}

result<git_oid> finish::put_together(std::vector<merged_tree> trees)
{
    std::vector<git_oid> ids;
    for (merged_tree& tree : trees) {
        for (const gap& one : tree.gaps) {
            const git_oid& id = one.is_tree ? ids[one.what] : file_ids_[one.what];
            std::copy_n(id.id, GIT_OID_RAWSZ, tree.bytes.begin() + static_cast<std::ptrdiff_t>(one.at));
        }
        const auto* known = std::ranges::find(tree.sources, tree.bytes, &tree_source::bytes);
        if (known != std::end(tree.sources) && !tree.bytes.empty()) {
            ids.push_back(known->id);
            continue;
        }
        auto id = add(object_kind::tree, std::move(tree.bytes));
        if (!id) return id.error();
        ids.push_back(*id);
    }
    return ids.back();
}

} // namespace

result<merge_outcome> tree_merge(object_reader& objects, merge_surroundings& around, const merge_trees& sides,
                                 const side_labels& labels)
{
    walk walked(objects, sides);
    if (auto gone = walked.go(); !gone) return gone.error();
    finish rest(objects, around, labels);
    merge_outcome& outcome = rest.outcome;
    outcome.in_process = true;
    if (walked.whole) {
        outcome.tree = to_oid(*walked.whole);
        return std::move(outcome);
    }
    outcome.conflicts = std::move(walked.conflicts);
    if (auto merged = rest.merge_files(walked.files); !merged) return merged.error();
    auto tree = rest.put_together(std::move(walked.trees));
    if (!tree) return tree.error();
    outcome.tree = to_oid(*tree);
    std::ranges::sort(outcome.conflicts, {}, &merge_conflict::path);
    return std::move(outcome);
}

} // namespace graftline::git
