#include "graftline/git/refs/read_direct.hpp"

#include "graftline/git/objects/commit_history.hpp"
#include "graftline/git/repository/libgit2.hpp"
#include "graftline/git/repository/repository.hpp"

#include <algorithm>
#include <string_view>

namespace graftline::git::read_direct {
namespace {

/// Names and whole ids are looked up; every other syntax of revisions is git's business.
bool is_plain_name(std::string_view rev)
{
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";
    return !rev.empty() && !rev.starts_with('-') && rev.find_first_not_of(allowed) == rev.npos &&
           rev.find("..") == rev.npos;
}

result<oid> commit_of(git_repository& repository, const git_oid& id)
{
    object_ptr object;
    if (const int code = git_object_lookup(out(object), &repository, &id, GIT_OBJECT_ANY); code < 0)
        return last_fault(code, "no such object");
    object_ptr commit;
    if (const int code = git_object_peel(out(commit), object.get(), GIT_OBJECT_COMMIT); code < 0)
        return last_fault(code, "not a commit");
    return to_oid(*git_object_id(commit.get()));
}

result<oid> resolve_now(git_repository& repository, const std::string& rev)
{
    if (const auto id = oid::parse(rev)) {
        auto raw = from_oid(*id);
        if (!raw) return raw.error();
        return commit_of(repository, *raw);
    }
    reference_ptr reference;
    if (const int code = git_reference_dwim(out(reference), &repository, rev.c_str()); code < 0)
        return last_fault(code, "no such name");
    reference_ptr direct;
    if (const int code = git_reference_resolve(out(direct), reference.get()); code < 0)
        return last_fault(code, "a ref to nothing");
    return commit_of(repository, *git_reference_target(direct.get()));
}

result<std::optional<oid>> read_ref_now(git_repository& repository, const std::string& fullname)
{
    reference_ptr reference;
    if (const int code = git_reference_lookup(out(reference), &repository, fullname.c_str()); code < 0)
        return last_fault(code, "no such ref");
    reference_ptr direct;
    if (const int code = git_reference_resolve(out(direct), reference.get()); code < 0)
        return last_fault(code, "a ref to nothing");
    return std::optional<oid>(to_oid(*git_reference_target(direct.get())));
}

result<object_reader> reader_of(git_repository& repository)
{
    odb_ptr odb;
    if (const int code = git_repository_odb(out(odb), &repository); code < 0)
        return last_fault(code, "the object database cannot be opened");
    return object_reader(std::move(odb));
}

result<bool> is_ancestor_now(git_repository& repository, commit_history& history, const oid& ancestor,
                             const oid& descendant)
{
    auto below = from_oid(ancestor);
    auto above = from_oid(descendant);
    auto reader = reader_of(repository);
    if (!below) return below.error();
    if (!above) return above.error();
    if (!reader) return reader.error();
    return history.contains(*reader, *above, *below);
}

result<std::vector<oid>> merge_bases_now(git_repository& repository, commit_history& history, const oid& one,
                                         const oid& other)
{
    auto left = from_oid(one);
    auto right = from_oid(other);
    auto reader = reader_of(repository);
    if (!left) return left.error();
    if (!right) return right.error();
    if (!reader) return reader.error();
    auto found = history.merge_bases(*reader, *left, *right);
    if (!found) return found.error();
    // With several candidates git drops those that another one reaches; its word counts then.
    if (found->size() > 1) return fault(errc::unsupported, "several merge bases");
    std::vector<oid> bases;
    for (const git_oid& id : *found)
        bases.push_back(to_oid(id));
    return bases;
}

} // namespace

awaitable<result<oid>> resolve(repository& repo, std::string rev)
{
    if (!is_plain_name(rev)) co_return fault(errc::unsupported, "more than a name");
    auto job = [rev = std::move(rev)](git_repository& repository) { return resolve_now(repository, rev); };
    co_return co_await repo.direct().run(std::move(job));
}

awaitable<result<oid>> tree_of(repository& repo, oid commit)
{
    auto job = [commit = std::move(commit)](git_repository& repository) -> result<oid> {
        const auto id = from_oid(commit);
        if (!id) return id.error();
        commit_ptr found;
        if (const int code = git_commit_lookup(out(found), &repository, &*id); code < 0)
            return last_fault(code, "no such commit");
        return to_oid(*git_commit_tree_id(found.get()));
    };
    co_return co_await repo.direct().run(std::move(job));
}

awaitable<result<std::optional<oid>>> read_ref(repository& repo, std::string fullname)
{
    auto job = [fullname = std::move(fullname)](git_repository& repository) {
        return read_ref_now(repository, fullname);
    };
    co_return co_await repo.direct().run(std::move(job));
}

awaitable<result<bool>> is_ancestor(repository& repo, oid ancestor, oid descendant)
{
    auto job = [history = history_of(repo), ancestor = std::move(ancestor),
                descendant = std::move(descendant)](git_repository& repository) {
        return is_ancestor_now(repository, *history, ancestor, descendant);
    };
    co_return co_await repo.direct().run(std::move(job));
}

awaitable<result<std::vector<oid>>> merge_bases(repository& repo, oid one, oid other)
{
    auto job = [history = history_of(repo), one = std::move(one), other = std::move(other)](
                   git_repository& repository) { return merge_bases_now(repository, *history, one, other); };
    co_return co_await repo.direct().run(std::move(job));
}

} // namespace graftline::git::read_direct
