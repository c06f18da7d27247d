#include "graftline/git/refs/unreached.hpp"

#include "graftline/git/repository/patience.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"

#include <algorithm>
#include <set>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// Takes each id that begins a line, and with `both` the second on it: a reflog's line is "old new who when
/// what".
result<void> take_ids(const fs::path& file, bool both, std::set<std::string>& ids)
{
    const auto text = text_if_there(file);
    if (!text) return text.error(); // what it remembers would be taken for nothing
    for (const std::string& line : records_of(*text, '\n')) {
        const std::vector<std::string> words = records_of(line.substr(0, 130), ' ');
        for (std::size_t at = 0; at < words.size() && at < (both ? 2 : 1); ++at) {
            const auto id = oid::parse(std::string_view(words[at]).substr(0, words[at].find('\t')));
            if (id && !id->is_null()) ids.insert(id->hex());
        }
    }
    return {};
}

/// The refs that go with the place.
awaitable<result<std::vector<std::string>>> own_refs(const repository& repo, workplace place)
{
    std::vector<std::string> words{"for-each-ref", "--format=%(objectname)"};
    if (place.shares_refs) words.insert(words.end(), {"refs/bisect", "refs/worktree", "refs/rewritten"});
    auto ids = co_await repository::answer(place.git(repo, std::move(words)));
    if (!ids) co_return ids.error();
    co_return records_of(*ids, '\n');
}

/// Those of `ids` that are commits and still there; a tag counts as what it tags.
awaitable<result<std::vector<std::string>>> commits_among(const repository& repo, workplace place,
                                                          std::set<std::string> ids)
{
    std::string questions;
    for (const std::string& id : ids)
        questions += id + "^{commit}\n";
    command check = place.git(repo, {"cat-file", "--batch-check=%(objectname)"});
    check.feed(std::move(questions));
    auto answers = co_await repository::answer(std::move(check));
    if (!answers) co_return answers.error();
    std::vector<std::string> commits;
    for (std::string& line : records_of(*answers, '\n'))
        if (oid::parse(line)) commits.push_back(std::move(line)); // else "... missing"
    co_return commits;
}

/// Lines of "commit parent parent ...": the commits that are nobody's parent here.
std::vector<oid> tips_of(const std::string& listing)
{
    std::vector<std::string> commits;
    std::set<std::string> parents;
    for (const std::string& line : records_of(listing, '\n')) {
        const std::vector<std::string> words = records_of(line, ' ');
        commits.push_back(words[0]);
        parents.insert(words.begin() + 1, words.end());
    }
    std::vector<oid> tips;
    for (std::string& commit : commits)
        if (!parents.contains(commit)) tips.emplace_back(std::move(commit));
    return tips;
}

/// What git says of objects that it cannot read.
bool says_damaged(const fault& f)
{
    const auto words = f.message();
    for (const char* part : {"bad object", "corrupt", "unable to", "missing", "is empty", "could not parse"})
        if (words.find(part) != words.npos) return true;
    return false;
}

bool is_without(const counted_refs& refs, std::string_view name)
{
    return std::ranges::any_of(refs.without, [&](const std::string& one) {
        return one.ends_with('/') ? name.starts_with(one) : name == one;
    });
}

} // namespace

awaitable<result<std::vector<std::string>>> readable_tips(std::function<command()> prepared,
                                                          counted_refs refs)
{
    auto listed = co_await repository::answer(
        prepared().args("for-each-ref", "--format=%(objectname) %(refname)", refs.below));
    if (!listed) co_return listed.error();
    std::string questions;
    for (const std::string& line : records_of(*listed, '\n'))
        if (const auto space = line.find(' '); !is_without(refs, std::string_view(line).substr(space + 1)))
            questions += line.substr(0, space) + "\n";
    command check = prepared().args("cat-file", "--batch-check=%(objectname) %(objecttype)");
    check.feed(std::move(questions));
    auto answers = co_await repository::answer(std::move(check));
    if (!answers) co_return answers.error();
    std::vector<std::string> tips;
    for (const std::string& line : records_of(*answers, '\n'))
        if (line.ends_with(" commit")) tips.push_back(line.substr(0, line.find(' ')));
    co_return tips;
}

awaitable<result<std::string>> walk_beside_refs(std::function<command()> prepared,
                                                std::vector<std::string> words,
                                                std::vector<std::string> commits, counted_refs refs)
{
    const auto begin = [&] {
        command walk = prepared().args("rev-list", "--ignore-missing");
        for (const std::string& word : words)
            walk.add(word);
        return std::move(walk).args("--stdin");
    };
    command walk = begin();
    walk.add("--not");
    for (const std::string& one : refs.without)
        walk.add("--exclude=" + (one.ends_with('/') ? one + "*" : one));
    walk.add("--glob=" + refs.below + "*");
    walk.feed(joined(commits, '\n'));
    auto told = co_await repository::answer(std::move(walk));
    if (told || !says_damaged(told.error())) co_return told;
    auto tips = co_await readable_tips(prepared, refs);
    if (!tips) co_return tips.error();
    command again = begin();
    for (std::string& tip : *tips)
        commits.push_back("^" + std::move(tip));
    again.feed(joined(commits, '\n'));
    co_return co_await repository::answer(std::move(again));
}

result<std::set<std::string>> remembered_in(const fs::path& git_dir)
{
    std::set<std::string> ids;
    for (const char* name :
         {"HEAD", "ORIG_HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD", "BISECT_HEAD",
          "FETCH_HEAD", "MERGE_AUTOSTASH", "rebase-merge/orig-head", "rebase-merge/onto",
          "rebase-merge/stopped-sha", "rebase-merge/autostash", "rebase-apply/orig-head", "rebase-apply/onto",
          "rebase-apply/abort-safety", "rebase-apply/autostash"})
        if (auto taken = take_ids(git_dir / name, false, ids); !taken) return taken.error();
    std::error_code failed;
    if (!fs::exists(git_dir / "logs", failed) && !failed) return ids;
    for (fs::recursive_directory_iterator entry(git_dir / "logs", failed), end; !failed && entry != end;
         entry.increment(failed))
        if (!entry->is_directory(failed))
            if (auto taken = take_ids(entry->path(), true, ids); !taken) return taken.error();
    if (failed) return system_fault(failed.value(), "cannot read the reflogs in " + git_dir.string());
    return ids;
}

command workplace::git(const repository& repo, std::vector<std::string> words) const
{
    command call = repo.prepare_in(work_tree ? *work_tree : git_dir, {"--git-dir=" + git_dir.string()});
    // Its configuration may name a folder that is away (core.worktree): no git would begin there.
    call.add("--work-tree=" + work_tree.value_or(git_dir).string());
    for (const std::string& word : rules)
        call.add(word);
    for (const char* setting :
         {"core.hooksPath=/dev/null", "core.splitIndex=false", "core.untrackedCache=false",
          "core.safecrlf=false", "core.checkStat=default", "core.trustctime=true", "core.ignoreStat=false",
          "core.fsmonitor=false", "advice.addEmbeddedRepo=false",
          // What has such a name is work as well, and is saved for where it was made.
          "core.protectNTFS=false", "core.protectHFS=false"})
        call.args("-c", setting);
    for (std::string& word : words)
        call.add(std::move(word));
    return call;
}

awaitable<result<std::optional<oid>>> head_of(const repository& repo, workplace place)
{
    auto output = co_await run_git(place.git(repo, {"rev-parse", "-q", "--verify", "HEAD"}));
    if (!output) co_return output.error();
    if (output->status == exit_status(exited{1})) co_return std::optional<oid>(); // nothing was committed yet
    if (!output->ok()) co_return git_failed({"git", "rev-parse"}, *output);
    co_return oid::parse(std::string_view(output->out).substr(0, output->out.find('\n')));
}

awaitable<result<std::vector<oid>>> unreached_commits(const repository& repo, workplace place)
{
    auto ids = remembered_in(place.git_dir);
    if (!ids) co_return ids.error();
    auto head = co_await head_of(repo, place);
    if (!head) co_return head.error();
    if (*head) ids->insert((*head)->hex());
    auto refs = co_await own_refs(repo, place);
    if (!refs) co_return refs.error();
    ids->insert(refs->begin(), refs->end());
    auto commits = co_await commits_among(repo, place, std::move(*ids));
    if (!commits) co_return commits.error();
    if (commits->empty()) co_return std::vector<oid>();

    counted_refs stay{"refs/remotes/", {}};
    if (place.shares_refs) stay = {"refs/", {"refs/bisect/", "refs/worktree/", "refs/rewritten/"}};
    auto listing = co_await walk_beside_refs([&] { return place.git(repo, {}); }, {"--parents"},
                                             std::move(*commits), std::move(stay));
    if (!listing) co_return listing.error();
    co_return tips_of(*listing);
}

} // namespace graftline::git
