#include "graftline/git/merge/merge_by_command.hpp"

#include "graftline/git/repository/patience.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/runtime/base/descriptor.hpp"

#include <fcntl.h>
#include <unistd.h>

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

/// Where git works on one merge: a folder that it takes for its work tree, one for the objects that it makes,
/// and further ones that it reads.
struct workplace {
    const repository& repo;
    fs::path tree;
    fs::path objects;
    std::vector<fs::path> more;

    template <class... W> command git(W&&... words) const
    {
        command prepared = repo.git(std::forward<W>(words)...);
        write_apart(prepared, repo, objects, more);
        return prepared;
    }
};

/// Puts the attributes of `ours` into the work tree: git reads them from the one that it stands in, so a
/// merge would depend on where it is asked for.
awaitable<result<void>> lay_out_attributes(const workplace& at, oid ours, oid theirs)
{
    command compare = at.git("diff-tree", "-r", "-z", "--name-only", "--no-renames",
                             "--ignore-submodules=none", ours.hex(), theirs.hex(), "--");
    auto differing = co_await repository::answer(std::move(compare));
    if (!differing) co_return differing.error();
    std::set<std::string> files = attribute_files(*differing);
    // cat-file reads lines: a folder with a newline in its name has no attributes for us.
    std::erase_if(files, [](const std::string& name) { return name.find('\n') != name.npos; });

    std::string questions;
    for (const std::string& name : files)
        questions += ours.hex() + ":" + name + "\n";
    command reading = at.git("cat-file", "--batch");
    reading.feed(std::move(questions));
    auto answers = co_await run_git(std::move(reading));
    if (!answers) co_return answers.error();
    if (!answers->ok()) co_return git_failed({"git", "cat-file", "--batch"}, *answers);
    for (const auto& [name, text] : blobs_of(answers->out, files)) {
        std::error_code failed;
        fs::create_directories((at.tree / name).parent_path(), failed);
        std::ofstream file(at.tree / name, std::ios::binary);
        file << text;
        if (!file.flush()) co_return system_fault(errno, "cannot write the attributes of a merge");
    }
    co_return result<void>();
}

/// `text` as one word of a shell, with the percent signs that git would fill.
std::string shell_word(const std::string& text)
{
    std::string word = "'";
    for (const char c : text)
        word += c == '\'' ? std::string("'\\''") : c == '%' ? std::string("%%") : std::string(1, c);
    return word + "'";
}

/// A driver's command with the files that git gives it (%O, %A, %B) in the folder `files`, wherever it runs.
std::string with_files_in(const std::string& files, const std::string& driver)
{
    std::string text;
    for (std::size_t at = 0; at < driver.size(); ++at) {
        const char next = at + 1 < driver.size() ? driver[at + 1] : '\0';
        if (driver[at] == '%' && (next == 'O' || next == 'A' || next == 'B')) text += files + "/";
        text += driver[at];
        if (driver[at] == '%' && next) text += driver[++at];
    }
    return text;
}

/// Names the folder by what needs no quotes, whatever a driver puts around it.
std::string plain_name_of(const fs::path& folder, descriptor& opened)
{
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,@";
    if (folder.string().find_first_not_of(plain) == std::string::npos) return folder.string();
    if (!opened) opened = descriptor(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(opened.get());
}

/// The drivers of the configuration, as words before git's command: git starts each at the top of the
/// checkout that the merge is made for, and so they may name what lies there; nothing is written there.
awaitable<result<std::vector<std::string>>> drivers_at_top(const workplace& at, descriptor& opened)
{
    std::vector<std::string> words;
    const auto& top = at.repo.here() ? at.repo.here() : at.repo.main_work_tree();
    if (!top) co_return words;
    auto asked = co_await run_git(at.git("config", "-z", "--get-regexp", "^merge\\..*\\.driver$"));
    if (!asked) co_return asked.error();
    for (const std::string& record : records_of(asked->out)) { // none are named: git says so by its exit
        const auto line = record.find('\n');
        if (line == record.npos || record.find('=') < line) continue;
        words.insert(words.end(),
                     {"-c", record.substr(0, line) + "=cd " + shell_word(top->string()) +
                                " && unset GIT_DIR GIT_WORK_TREE || exit 129\n" +
                                with_files_in(plain_name_of(at.tree, opened), record.substr(line + 1))});
    }
    co_return words;
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
/// record, then messages (number of paths, the paths, type, text). Messages also name where a file was before
/// its folder was renamed: what conflicts are the entries, and what messages say where there is none.
std::vector<merge_conflict> conflicts_of(const std::vector<std::string>& records)
{
    std::map<std::string, std::string> kinds;
    std::size_t at = 1;
    for (; at < records.size() && !records[at].empty(); ++at)
        if (const auto tab = records[at].find('\t'); tab != std::string::npos)
            kinds[records[at].substr(tab + 1)];
    const bool has_entries = !kinds.empty();
    for (++at; at < records.size();) {
        const std::size_t count = std::strtoull(records[at].c_str(), nullptr, 10);
        if (at + count + 2 >= records.size()) break;
        const std::string kind = kind_of(records[at + count + 1]);
        for (std::size_t n = 1; n <= count && !kind.empty(); ++n) {
            if (has_entries && !kinds.contains(records[at + n])) continue;
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

/// A commit that is in nobody's history, of the tree of `like`.
awaitable<result<oid>> stand_in(const workplace& at, oid like, std::optional<oid> parent)
{
    command make = at.git("commit-tree", "-m", "a side of a merge", like.hex() + "^{tree}");
    for (const char* who : {"AUTHOR", "COMMITTER"}) {
        make.set(std::string("GIT_") + who + "_NAME", "graftline");
        make.set(std::string("GIT_") + who + "_EMAIL", "graftline@localhost");
        make.set(std::string("GIT_") + who + "_DATE", "@0 +0000");
    }
    if (parent) make.args("-p", parent->hex());
    auto made = co_await repository::answer(std::move(make));
    if (!made) co_return made.error();
    co_return oid(*made);
}

/// merge-tree takes no base before git 2.40: two commits of which it is the parent have it as their base.
awaitable<result<void>> put_on_base(const workplace& at, oid base, oid& ours, oid& theirs)
{
    auto parent = co_await stand_in(at, base, std::nullopt);
    if (!parent) co_return parent.error();
    auto one = co_await stand_in(at, ours, *parent);
    if (!one) co_return one.error();
    auto other = co_await stand_in(at, theirs, *parent);
    if (!other) co_return other.error();
    ours = *one;
    theirs = *other;
    co_return result<void>();
}

} // namespace

awaitable<result<merge_outcome>> merge_by_command(repository& repo, std::optional<oid> base, oid ours,
                                                  oid theirs, std::vector<fs::path> more_objects)
{
    auto scratch = scratch_folder::make(repo, "merge");
    if (!scratch) co_return scratch.error();
    auto objects = make_object_folder(repo);
    if (!objects) co_return objects.error();
    const workplace at{repo, scratch->path(), (*objects)->path(), std::move(more_objects)};
    if (base) {
        auto put = co_await put_on_base(at, *base, ours, theirs);
        if (!put) co_return put.error();
    }
    auto laid_out = co_await lay_out_attributes(at, ours, theirs);
    if (!laid_out) co_return laid_out.error();

    descriptor opened;
    const auto drivers = co_await drivers_at_top(at, opened);
    if (!drivers) co_return drivers.error();
    command merge = at.git();
    for (const std::string& word : *drivers)
        merge.add(word);
    merge.args("merge-tree", "--write-tree", "--messages", "-z", ours.hex(), theirs.hex());
    merge.in(scratch->path());
    merge.set("GIT_WORK_TREE", scratch->path().string());
    const std::vector<std::string> words = merge.words();
    auto output = co_await run_git(std::move(merge));
    if (!output) co_return output.error();

    const bool conflicted = output->status == exit_status(exited{1});
    const std::vector<std::string> records = records_of(output->out);
    const std::optional<oid> tree = records.empty() ? std::nullopt : oid::parse(records[0]);
    // Git has died on an assertion in the middle of a merge: only 0 and 1, with a tree, are an answer.
    if ((!output->ok() && !conflicted) || !tree) co_return git_failed(words, *output);
    merge_outcome outcome;
    outcome.tree = *tree;
    outcome.objects.folder = *objects;
    if (conflicted) outcome.conflicts = conflicts_of(records);
    if (conflicted && outcome.conflicts.empty()) co_return git_failed(words, *output);
    co_return outcome;
}

} // namespace graftline::git
