#include "graftline/git/commits/staged.hpp"

#include "graftline/git/repository/patience.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"

namespace graftline::git {

std::vector<staged_change> raw_changes(std::string_view output)
{
    // ":100644 100644 <old> <new> M" NUL path NUL; with --stdin each pair begins with a record of its own.
    std::vector<staged_change> changes;
    const std::vector<std::string> records = records_of(output);
    for (std::size_t at = 0; at + 1 < records.size(); ++at) {
        if (!records[at].starts_with(':')) continue;
        const std::vector<std::string> fields = records_of(records[at], ' ');
        if (fields.size() < 4) break;
        ++at;
        changes.push_back({records[at], fields[0].substr(1), fields[1], oid(fields[2]), oid(fields[3])});
    }
    return changes;
}

awaitable<result<std::vector<staged_change>>> staged_in(repository& repo, std::filesystem::path worktree)
{
    std::string base = "HEAD";
    auto head = co_await run_git(repo.git_in(worktree, "rev-parse", "-q", "--verify", "HEAD"));
    if (!head) co_return head.error();
    if (!head->ok() && head->status != exit_status(exited{1})) // 1: nothing has been committed yet
        co_return git_failed({"git", "rev-parse"}, *head);
    if (!head->ok()) {
        auto nothing =
            co_await repo.ask("hash-object", "-t", "tree", "--stdin"); // its input is empty: the empty tree
        if (!nothing) co_return nothing.error();
        base = *nothing;
    }
    auto output = co_await repo.ask_in(worktree, "diff-index", "--cached", "--raw", "-z", "--no-abbrev",
                                       "--no-renames", "--ignore-submodules=none", base, "--");
    if (!output) co_return output.error();
    co_return raw_changes(*output);
}

awaitable<result<std::vector<staged_change>>> changes_between(repository& repo, oid from, oid to)
{
    auto output = co_await repo.ask("diff-tree", "-r", "--raw", "-z", "--no-abbrev", "--no-renames",
                                    "--ignore-submodules=none", from.hex(), to.hex(), "--");
    if (!output) co_return output.error();
    co_return raw_changes(*output);
}

awaitable<result<std::vector<staged_change>>> changes_between_each(repository& repo,
                                                                   std::vector<commit_pair> pairs)
{
    std::string lines; // "commit parent": compared with that one, whatever its parents are
    for (const auto& [from, to] : pairs)
        lines += to.hex() + " " + from.hex() + "\n";
    command compare = repo.git("diff-tree", "--stdin", "-r", "--raw", "-z", "--no-abbrev", "--no-renames",
                               "--ignore-submodules=none");
    compare.feed(std::move(lines));
    auto output = co_await repository::answer(std::move(compare));
    if (!output) co_return output.error();
    co_return raw_changes(*output);
}

} // namespace graftline::git
