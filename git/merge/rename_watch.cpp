#include "graftline/git/merge/rename_watch.hpp"

namespace graftline::git {
namespace {

/// Deeper than any path that a system call takes: a tree made to exhaust the stack.
constexpr std::size_t deepest = 2048;

struct seen {
    bool added = false;
    bool deleted = false;
};

/// Looks for additions and deletions between two trees, until there is one of each kind that is `wanted`.
result<void> compare(object_reader& objects, const git_oid& base, const git_oid& changed, const seen& wanted,
                     seen& found, std::size_t depth = 0)
{
    if (depth == deepest) return fault(errc::unsupported, "folders in folders without end");
    auto before = objects.tree(base);
    if (!before) return before.error();
    auto after = objects.tree(changed);
    if (!after) return after.error();
    tree_cursor b(*before);
    tree_cursor c(*after);
    const auto enough = [&] { return (found.added || !wanted.added) && (found.deleted || !wanted.deleted); };
    while ((!b.at_end() || !c.at_end()) && !enough()) {
        const int order = b.at_end() ? 1 : c.at_end() ? -1 : compare_places(b.entry(), c.entry());
        if (order == 0 && b.entry().is_tree() && !b.entry().same_as(c.entry())) {
            auto below = compare(objects, b.entry().id, c.entry().id, wanted, found, depth + 1);
            if (!below) return below;
        }
        found.deleted = found.deleted || order < 0;
        found.added = found.added || order > 0;
        if (order <= 0) b.next();
        if (order >= 0) c.next();
    }
    if (b.is_strange() || c.is_strange()) return fault(errc::unsupported, "a tree of unusual form");
    return {};
}

} // namespace

result<void> rename_watch::changed_alike(object_reader& objects, const git_oid& base, const git_oid& changed)
{
    seen found;
    if (auto compared = compare(objects, base, changed, {true, true}, found); !compared) return compared;
    for (watched& side : sides_) {
        side.relevant = side.relevant || found.deleted;
        side.added = side.added || found.added;
    }
    return {};
}

result<bool> rename_watch::finish(object_reader& objects)
{
    for (watched& side : sides_) {
        seen found{side.added, false};
        for (auto one = side.alone.begin(); side.relevant && !found.added && one != side.alone.end(); ++one)
            if (auto compared = compare(objects, one->first, one->second, {true, false}, found); !compared)
                return compared.error();
        side.added = found.added;
        side.alone.clear();
    }
    return is_alarmed();
}

} // namespace graftline::git
