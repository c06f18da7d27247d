#include "graftline/git/worktree/present_work.hpp"

#include "graftline/git/commits/commit.hpp"
#include "graftline/git/objects/new_objects.hpp"
#include "graftline/git/refs/own_worktree.hpp"
#include "graftline/git/refs/unreached.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/whole_answer.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/rules/ignore_rules.hpp"
#include "graftline/git/rules/noted_rules.hpp"
#include "graftline/git/rules/survey.hpp"

#include <sys/stat.h>

#include <algorithm>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_files = 50'000;
constexpr std::uintmax_t most_bytes = std::uintmax_t{256} << 20;

/// What `git status` says of a worktree.
struct uncommitted {
    std::optional<oid> head;
    std::vector<std::string> paths;
    std::vector<std::string> nested; ///< repositories inside
    std::string text;
};

/// The path of a changed entry: it stands behind so many words.
std::string path_in(const std::string& record, int words)
{
    std::size_t at = 0;
    while (words-- > 0 && at != record.npos)
        at = record.find(' ', at + 1);
    return at == record.npos ? std::string() : record.substr(at + 1);
}

uncommitted read_status(std::string text)
{
    uncommitted found;
    for (const std::string& record : records_of(text)) {
        std::string path;
        if (record.starts_with("# branch.oid ")) found.head = oid::parse(record.substr(13));
        if (record.starts_with("1 ")) path = path_in(record, 8);
        if (record.starts_with("u ")) path = path_in(record, 10);
        if (record.starts_with("? ")) path = record.substr(2);
        if (path.ends_with('/'))
            found.nested.push_back(path.substr(0, path.size() - 1));
        else if (!path.empty())
            found.paths.push_back(std::move(path));
    }
    found.text = std::move(text);
    return found;
}

/// Tells two states of the same paths apart: git's words, and for each path when and how it was written.
result<std::string> fingerprint_of(const uncommitted& found, const fs::path& worktree)
{
    std::string print = found.text;
    std::uintmax_t bytes = 0;
    for (const std::string& path : found.paths) {
        struct stat s{};
        if (::lstat((worktree / path).c_str(), &s) != 0) continue; // deleted: git has said so
        bytes += static_cast<std::uintmax_t>(s.st_size);
        for (const auto number :
             {static_cast<long long>(s.st_ino), static_cast<long long>(s.st_mode),
              static_cast<long long>(s.st_size), static_cast<long long>(s.st_mtim.tv_sec),
              static_cast<long long>(s.st_mtim.tv_nsec), static_cast<long long>(s.st_ctim.tv_sec),
              static_cast<long long>(s.st_ctim.tv_nsec)})
            print += std::to_string(number) + " ";
    }
    if (found.paths.size() > most_files || bytes > most_bytes)
        return fault(errc::refused, "too much lies uncommitted in it: " + std::to_string(found.paths.size()) +
                                        " files, " + std::to_string(bytes >> 20) + " MiB");
    return print;
}

/// One worktree, and how git is asked about it here.
class place_to_look {
public:
    /// `place`: with the rules that count there.
    place_to_look(repository& repo, workplace place, const filter_drivers& filters)
        : repo_(repo), place_(std::move(place)), filters_(with_noted(filters, place_.git_dir))
    {
    }
    const fs::path& worktree() const { return *place_.work_tree; }

    command git(std::vector<std::string> words) const
    {
        words.insert(words.begin(), filters_.words.begin(), filters_.words.end());
        return place_.git(repo_, std::move(words));
    }
    /// Objects go into `objects`, and what is staged into `index`.
    command apart(std::vector<std::string> words, const fs::path& index, const fs::path& objects) const
    {
        command call = git(std::move(words));
        call.set("GIT_INDEX_FILE", index.string());
        write_apart(call, repo_, objects);
        return call;
    }

    awaitable<result<uncommitted>> status() const
    {
        const bool by_git = place_.ignored_by.empty();
        auto text = co_await whole_answer(git({"status", "--porcelain=v2", "--branch", "-z",
                                               by_git ? "--untracked-files=all" : "--untracked-files=no",
                                               "--no-renames", "--ignore-submodules=dirty"}));
        if (!text) co_return text.error();
        if (by_git) co_return read_status(std::move(*text));
        const auto others = co_await untracked_in(repo_, place_);
        if (!others) co_return others.error();
        if (!text->empty() && !text->ends_with('\0')) *text += '\0';
        for (const std::string& path : *others)
            *text += "? " + path + '\0';
        co_return read_status(std::move(*text));
    }

    /// Takes out of `paths` what a driver would have to convert, and says so.
    awaitable<result<void>> leave_out_filtered(std::vector<std::string>& paths,
                                               std::vector<std::string>& left_out) const
    {
        if (filters_.names.empty() || paths.empty()) co_return result<void>();
        command asking = git({"check-attr", "-z", "--stdin", "filter"});
        asking.feed(joined(paths));
        auto answers = co_await repository::answer(std::move(asking));
        if (!answers) co_return answers.error();
        std::set<std::string> filtered;
        const auto records = records_of(*answers); // path, "filter", its name
        for (std::size_t at = 0; at + 2 < records.size(); at += 3) {
            if (!filters_.names.contains(records[at + 2])) continue;
            filtered.insert(records[at]);
            left_out.push_back(records[at] + " goes through the filter " + records[at + 2] +
                               ", which is not run here");
        }
        std::erase_if(paths, [&](const auto& path) { return filtered.contains(path); });
        co_return result<void>();
    }

    /// The tree of HEAD's index with `paths` as they lie in the worktree.
    awaitable<result<oid>> tree_of(std::vector<std::string> paths, fs::path index, fs::path objects) const
    {
        command add =
            apart({"update-index", "-z", "--add", "--remove", "--replace", "--stdin"}, index, objects);
        add.feed(joined(paths));
        auto added = co_await repository::answer(std::move(add));
        if (!added) co_return added.error();
        auto tree = co_await repository::answer(apart({"write-tree", "--missing-ok"}, index, objects));
        if (!tree) co_return tree.error();
        co_return oid(*tree);
    }

    /// Always the same commit for the same tree and HEAD: what compares commits then knows that nothing has
    /// changed.
    awaitable<result<oid>> commit(oid tree, oid head, fs::path index, fs::path objects) const
    {
        const std::string who = own_identity().name() + " <" + own_identity().email() + "> 0 +0000\n";
        command write = apart({"hash-object", "-t", "commit", "-w", "--stdin"}, index, objects);
        write.feed("tree " + tree.hex() + "\nparent " + head.hex() + "\nauthor " + who + "committer " + who +
                   "\nuncommitted work\n");
        auto id = co_await repository::answer(std::move(write));
        if (!id) co_return id.error();
        co_return oid(*id);
    }

private:
    repository& repo_;
    workplace place_;
    filter_drivers filters_;
};

} // namespace

result<fs::path> records_of_worktree(const repository& repo, const fs::path& worktree)
{
    auto record = git_dir_of(repo, worktree);
    if (!record) return record.error();
    if (!*record || **record == repo.common_dir())
        return fault(errc::not_found, "there is no worktree of this repository")
            .with("folder", worktree.string());
    if (const auto other = what_dot_git_says(worktree, **record))
        return fault(errc::refused, *other).with("folder", worktree.string());
    return std::move(**record);
}

awaitable<result<present_work>> look_at_work(repository& repo, fs::path worktree,
                                             const filter_drivers& filters,
                                             std::optional<present_work> before)
{
    const auto records = records_of_worktree(repo, worktree);
    if (!records) co_return records.error();
    std::error_code failed;
    if (!fs::exists(*records / "index", failed))
        co_return fault(errc::refused, "its checkout was never finished");
    if (auto safe = co_await check_git_may_run_in(worktree); !safe) co_return safe.error();
    workplace here(*records, worktree, true);
    if (auto rules = co_await hold_rules(repo, here); !rules) co_return rules.error();
    const place_to_look place(repo, std::move(here), filters);
    auto found = co_await place.status();
    if (!found) co_return found.error();
    if (!found->head) co_return fault(errc::refused, "it has no commit yet");
    auto print = fingerprint_of(*found, worktree);
    if (!print) co_return print.error();
    if (before && before->fingerprint == *print) co_return std::move(*before);

    present_work seen;
    seen.fingerprint = std::move(*print);
    for (const std::string& path : found->nested)
        seen.left_out.push_back(path + " is a repository of its own");
    auto chosen = co_await place.leave_out_filtered(found->paths, seen.left_out);
    if (!chosen) co_return chosen.error();
    seen.commit = *found->head;
    if (found->paths.empty()) co_return seen;

    auto scratch = scratch_folder::make(repo, "radar");
    if (!scratch) co_return scratch.error();
    seen.scratch = std::make_shared<scratch_folder>(std::move(*scratch));
    seen.objects = seen.scratch->path() / "objects";
    fs::create_directory(seen.objects, failed);
    if (failed) co_return system_fault(failed.value(), "cannot make " + seen.objects.string());
    const fs::path index = seen.scratch->path() / "index";
    auto copied = copy_index_file(*records / "index", index);
    if (!copied) co_return copied.error();
    auto tree = co_await place.tree_of(std::move(found->paths), index, seen.objects);
    if (!tree) co_return tree.error();
    auto commit = co_await place.commit(*tree, *found->head, index, seen.objects);
    if (!commit) co_return commit.error();
    seen.commit = std::move(*commit);
    co_return seen;
}

} // namespace graftline::git
