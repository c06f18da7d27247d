#include "graftline/git/merge.hpp"

#include "graftline/git/commit.hpp"
#include "graftline/git/records.hpp"
#include "graftline/git/repository.hpp"
#include "graftline/git/scratch.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// Where attributes that can bear on this merge may lie: the folders of all paths in which the sides differ,
/// and those above them. A path that is merged differs, under its old name or its new one.
std::set<std::string> attribute_files(const std::string& differing)
{
    std::set<std::string> files{".gitattributes"};
    for (const std::string& path : records_of(differing))
        for (auto slash = path.rfind('/'); slash != path.npos && slash > 0;
             slash = path.rfind('/', slash - 1))
            if (!files.insert(path.substr(0, slash) + "/.gitattributes").second) break;
    return files;
}

/// Reads the answers of `git cat-file --batch` to `names`, in order; what is missing or no blob is left out.
std::map<std::string, std::string> blobs_of(std::string_view answers, const std::set<std::string>& names)
{
    std::map<std::string, std::string> blobs;
    for (const std::string& name : names) {
        const auto end = answers.find('\n');
        if (end == answers.npos) break;
        const std::string_view head = answers.substr(0, end);
        answers.remove_prefix(end + 1);
        const auto size_at = head.rfind(' ') + 1;
        if (head.ends_with(" missing") || head.ends_with(" ambiguous")) continue;
        const auto size = std::strtoull(std::string(head.substr(size_at)).c_str(), nullptr, 10);
        if (size + 1 > answers.size()) break;
        if (head.find(" blob ") != head.npos) blobs.emplace(name, answers.substr(0, size));
        answers.remove_prefix(size + 1);
    }
    return blobs;
}

/// Puts the attributes of `ours` below `folder`: git reads them from the work tree that it stands in, so a
/// merge would depend on where it is asked for.
awaitable<result<void>> lay_out_attributes(repository& repo, oid ours, oid theirs, fs::path folder)
{
    command compare =
        repo.git("diff-tree", "-r", "-z", "--name-only", "--no-renames", ours.hex(), theirs.hex());
    auto differing = co_await repository::answer(std::move(compare));
    if (!differing) co_return differing.error();
    std::set<std::string> files = attribute_files(*differing);
    // cat-file reads lines: a folder with a newline in its name has no attributes for us.
    std::erase_if(files, [](const std::string& name) { return name.find('\n') != name.npos; });

    std::string questions;
    for (const std::string& name : files)
        questions += ours.hex() + ":" + name + "\n";
    command reading = repo.git("cat-file", "--batch");
    reading.feed(std::move(questions));
    auto answers = co_await run(std::move(reading));
    if (!answers) co_return answers.error();
    if (!answers->ok()) co_return git_failed({"git", "cat-file", "--batch"}, *answers);
    for (const auto& [name, text] : blobs_of(answers->out, files)) {
        std::error_code failed;
        fs::create_directories((folder / name).parent_path(), failed);
        std::ofstream file(folder / name, std::ios::binary);
        file << text;
        if (!file.flush()) co_return system_fault(errno, "cannot write the attributes of a merge");
    }
    co_return result<void>();
}

/// "CONFLICT (rename/delete)" -> "rename/delete"; empty for what is only information.
std::string kind_of(std::string_view type)
{
    if (!type.starts_with("CONFLICT")) return {};
    const auto from = type.find('(');
    const auto to = type.rfind(')');
    if (from == type.npos || to == type.npos || to < from) return "contents";
    return std::string(type.substr(from + 1, to - from - 1));
}

/// What `git merge-tree -z` says after the tree: conflicted entries ("mode oid stage\tpath"), an empty
/// record, then messages (number of paths, the paths, type, text).
std::vector<merge_conflict> conflicts_of(const std::vector<std::string>& records)
{
    std::map<std::string, std::string> kinds;
    std::size_t at = 1;
    for (; at < records.size() && !records[at].empty(); ++at)
        if (const auto tab = records[at].find('\t'); tab != std::string::npos)
            kinds[records[at].substr(tab + 1)];
    for (++at; at < records.size();) {
        const std::size_t count = std::strtoull(records[at].c_str(), nullptr, 10);
        if (at + count + 2 >= records.size()) break;
        const std::string kind = kind_of(records[at + count + 1]);
        for (std::size_t n = 1; n <= count && !kind.empty(); ++n) {
            std::string& known = kinds[records[at + n]];
            if (known.empty()) known = kind;
        }
        at += count + 3;
    }
    std::vector<merge_conflict> conflicts;
    for (auto& [path, kind] : kinds)
        conflicts.push_back({path, kind.empty() ? "contents" : kind});
    return conflicts;
}

} // namespace

awaitable<result<merge_outcome>> merge_commits(repository& repo, oid ours, oid theirs)
{
    auto scratch = scratch_folder::make(repo, "merge");
    if (!scratch) co_return scratch.error();
    auto laid_out = co_await lay_out_attributes(repo, ours, theirs, scratch->path());
    if (!laid_out) co_return laid_out.error();

    command merge = repo.git("merge-tree", "--write-tree", "--messages", "-z", ours.hex(), theirs.hex());
    merge.in(scratch->path());
    merge.set("GIT_WORK_TREE", scratch->path().string());
    const std::vector<std::string> words = merge.words();
    auto output = co_await run(std::move(merge));
    if (!output) co_return output.error();

    const bool conflicted = output->status == exit_status(exited{1});
    const std::vector<std::string> records = records_of(output->out);
    const std::optional<oid> tree = records.empty() ? std::nullopt : oid::parse(records[0]);
    // Git has died on an assertion in the middle of a merge: only 0 and 1, with a tree, are an answer.
    if ((!output->ok() && !conflicted) || !tree) co_return git_failed(words, *output);
    std::vector<merge_conflict> conflicts;
    if (conflicted) conflicts = conflicts_of(records);
    if (conflicted && conflicts.empty()) co_return git_failed(words, *output);
    co_return merge_outcome{*tree, std::move(conflicts)};
}

namespace {

awaitable<result<oid>> synthetic(repository& repo, oid of, std::vector<oid> parents)
{
    co_return co_await commit_tree(repo, oid(of.hex() + "^{tree}"), std::move(parents), "graftline\n");
}

} // namespace

awaitable<result<merge_outcome>> merge_on_base(repository& repo, oid base, oid ours, oid theirs)
{
    std::vector<oid> none;
    auto root = co_await synthetic(repo, base, none);
    if (!root) co_return root.error();
    std::vector<oid> parents{*root};
    auto left = co_await synthetic(repo, ours, parents);
    if (!left) co_return left.error();
    auto right = co_await synthetic(repo, theirs, parents);
    if (!right) co_return right.error();
    co_return co_await merge_commits(repo, *left, *right);
}

} // namespace graftline::git
