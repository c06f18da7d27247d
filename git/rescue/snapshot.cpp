#include "graftline/git/rescue/snapshot.hpp"

#include "graftline/git/commits/commit.hpp"
#include "graftline/git/commits/staged.hpp"
#include "graftline/git/repository/path_answers.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/repository/whole_answer.hpp"
#include "graftline/git/rules/blind_spots.hpp"
#include "graftline/git/rules/ignore_rules.hpp"
#include "graftline/git/rules/survey.hpp"
#include "graftline/runtime/async/offload.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

bool lies_there(const fs::path& path)
{
    std::error_code ignored;
    return fs::exists(fs::symlink_status(path, ignored));
}

/// Copies the index of a place. Result: false when there is none.
awaitable<result<bool>> copy_index(const repository& repo, workplace place, fs::path to)
{
    auto from = co_await repository::answer(
        place.git(repo, {"rev-parse", "--path-format=absolute", "--git-path", "index"}));
    if (!from) co_return from.error();
    std::error_code failed;
    if (!fs::exists(*from, failed) && !failed) co_return false;
    auto copied = copy_index_file(*from, to);
    if (!copied) co_return copied.error();
    co_return true;
}

/// What `git` reads instead of a place's own git folder.
struct plain_folder {
    workplace place;
    std::string objects;
};

/// The parts that split indexes share: git looks for them in its own folder, wherever the index itself is.
result<void> copy_shared_indexes(const fs::path& from, const fs::path& to)
{
    std::error_code failed;
    for (fs::directory_iterator entry(from, failed), end; !failed && entry != end; entry.increment(failed))
        if (entry->path().filename().string().starts_with("sharedindex."))
            fs::copy_file(entry->path(), to / entry->path().filename(), failed);
    if (failed) return system_fault(failed.value(), "cannot copy the shared indexes in " + from.string());
    return {};
}

/// A git folder that borrows the place's objects and whose attributes switch every conversion off: they win
/// over all that the work tree says. A broken filter or encoding would keep work from being saved, and git
/// runs filters even where it only writes an index whose files are as young as itself.
awaitable<result<plain_folder>> without_filters(const repository& repo, workplace place, fs::path scratch)
{
    auto answer = co_await repository::answer(
        place.git(repo, {"rev-parse", "--show-object-format", next_answer, "--path-format=absolute",
                         "--git-path", "info/exclude", next_answer, "--git-path", "objects"}));
    if (!answer) co_return answer.error();
    const std::vector<std::string> lines = answers_of(*answer);
    if (lines.size() != 3)
        co_return fault(errc::corrupt, "git does not say where a repository's objects are");
    const fs::path folder = scratch / "git";
    std::error_code failed;
    for (const char* name : {"refs", "objects", "info"})
        fs::create_directories(folder / name, failed);
    if (failed) co_return system_fault(failed.value(), "cannot make " + folder.string());
    std::string configuration = "[core]\n\trepositoryformatversion = 1\n\tbare = false\n";
    const auto shared = co_await repository::answer(place.git(repo, {"config", "core.sharedRepository"}));
    if (shared && !shared->empty()) configuration += "\tsharedRepository = " + *shared + "\n";
    if (lines[0] == "sha256") configuration += "[extensions]\n\tobjectformat = sha256\n";
    for (const auto& [name, text] : std::map<std::string, std::string>{
             {"HEAD", "ref: refs/heads/none\n"},
             {"config", configuration},
             {"info/exclude", text_of(lines[1])},
             {"info/attributes", "* -filter -text -eol -crlf -ident -working-tree-encoding\n"}}) {
        auto written = replace_file(folder / name, text);
        if (!written) co_return written.error();
    }
    if (auto copied = copy_shared_indexes(place.git_dir, folder); !copied) co_return copied.error();
    workplace plain(folder, place.work_tree, false);
    plain.rules = place.rules;
    co_return plain_folder{std::move(plain), lines[2]};
}

/// `git WORDS...` with `index` in place of the user's, no filters.
command with_index(const repository& repo, const plain_folder& plain, const fs::path& index,
                   std::vector<std::string> words)
{
    command call = plain.place.git(repo, std::move(words));
    call.set("GIT_INDEX_FILE", index.string());
    call.set("GIT_OBJECT_DIRECTORY", plain.objects);
    return call;
}

bool have_same_bytes(const fs::path& one, const fs::path& other)
{
    std::error_code failed;
    for (const fs::path& file : {one, other})
        if (!fs::is_regular_file(fs::symlink_status(file, failed))) return false;
    if (fs::file_size(one, failed) != fs::file_size(other, failed) || failed) return false;
    std::ifstream left(one, std::ios::binary);
    std::ifstream right(other, std::ios::binary);
    using bytes = std::istreambuf_iterator<char>;
    return left && right && std::equal(bytes(left), bytes(), bytes(right), bytes());
}

/// All but the nested repositories, for `git add`.
std::vector<std::string> all_but(const std::vector<gitlink>& nested)
{
    std::vector<std::string> pathspecs;
    if (!nested.empty()) pathspecs.push_back(".");
    for (const auto& [path, commit] : nested)
        pathspecs.push_back(":(top,exclude,literal)" + path);
    return pathspecs;
}

/// Entries for `git update-index --index-info`.
awaitable<result<void>> set_entries(const repository& repo, plain_folder plain, fs::path index,
                                    std::string entries)
{
    if (entries.empty()) co_return result<void>();
    command update = with_index(repo, plain, index, {"update-index", "-z", "--index-info"});
    update.feed(std::move(entries));
    auto done = co_await repository::answer(std::move(update));
    if (!done) co_return done.error();
    co_return result<void>();
}

bool has_entries(const fs::path& folder)
{
    std::error_code failed;
    return fs::is_directory(fs::symlink_status(folder, failed)) && !fs::is_empty(folder, failed) && !failed;
}

/// Takes links to commits out of the copied index whose folder holds files but no repository: git would not
/// look behind them.
awaitable<result<void>> open_folders(const repository& repo, workplace place, plain_folder plain,
                                     fs::path index)
{
    auto listing = co_await repository::answer(with_index(repo, plain, index, {"ls-files", "-s", "-z"}));
    if (!listing) co_return listing.error();
    std::string removals;
    for (const std::string& record : records_of(*listing)) { // "mode oid stage<TAB>path"
        const auto tab = record.find('\t');
        if (tab == record.npos || !record.starts_with("160000 ")) continue;
        const fs::path folder = *place.work_tree / record.substr(tab + 1);
        if (!lies_there(folder / ".git") && has_entries(folder))
            removals += "0 " + std::string(repo.can().oid_digits(), '0') + record.substr(tab) + '\0';
    }
    co_return co_await set_entries(repo, plain, index, std::move(removals));
}

/// A place's files on their way into a copy of its index.
class file_stager {
public:
    file_stager(const repository& repo, workplace place, plain_folder plain, fs::path index,
                std::vector<gitlink> nested)
        : repo_(repo), place_(std::move(place)), plain_(std::move(plain)), index_(std::move(index)),
          nested_(std::move(nested))
    {
    }

    awaitable<result<void>> stage()
    {
        auto others = co_await untracked_by_own_rules(repo_, place_, index_);
        if (!others) co_return others.error();
        others_ = std::move(*others);
        if (place_.as_bytes) {
            // What was staged under other conversions says nothing of the bytes.
            auto forgotten = co_await look_again(std::nullopt);
            if (!forgotten) co_return forgotten;
            co_return co_await stage_bytes();
        }
        const auto filters = co_await has_filters();
        if (!filters) co_return filters.error();
        result<std::set<std::string>> before;
        if (*filters && !place_.distrusted_since) before = co_await entries();
        if (!before) co_return before.error();
        // With the user's filters where they work: large files then lie where LFS keeps them.
        auto added = co_await stage_filtered();
        if (added && *filters) added = co_await keep_what_filters_lose(std::move(*before));
        if (added) co_return added;
        // What was staged before by a filter that now fails says nothing of the bytes either.
        if (place_.distrusted_since) {
            auto forgotten = co_await look_again(co_await distrusted());
            if (!forgotten) co_return forgotten;
        }
        auto forced = co_await stage_bytes();
        // The first words say what is wrong with the user's set-up; the second attempt's are of our own
        // making.
        if (!forced) co_return added.error();
        co_return result<void>();
    }

private:
    command filtered(std::vector<std::string> words) const
    {
        command call = place_.git(repo_, std::move(words));
        call.set("GIT_INDEX_FILE", index_.string());
        return call;
    }

    awaitable<result<void>> stage_filtered()
    {
        const auto git = [this] { return filtered({}); };
        auto added = co_await stage_all(git, all_but(nested_), others_);
        if (!added && co_await offload([&] { return make_files_readable(*place_.work_tree); }) > 0)
            added = co_await stage_all(git, all_but(nested_), others_);
        co_return added;
    }

    awaitable<result<void>> stage_bytes()
    {
        auto ignores =
            co_await repository::answer(place_.git(repo_, {"config", "--type=path", "core.excludesFile"}));
        const auto git = [&] {
            command call = with_index(repo_, plain_, index_, {});
            if (ignores) call.args("-c", "core.excludesFile=" + *ignores);
            return call;
        };
        auto added = co_await stage_all(git, all_but(nested_), others_);
        if (!added && co_await offload([&] { return make_files_readable(*place_.work_tree); }) > 0)
            added = co_await stage_all(git, all_but(nested_), others_);
        co_return added;
    }

    /// Forgets when files were last looked at: those of `paths`, or all but what is left out.
    awaitable<result<void>> look_again(std::optional<std::set<std::string>> paths)
    {
        auto listing =
            co_await repository::answer(with_index(repo_, plain_, index_, {"ls-files", "-t", "-s", "-z"}));
        if (!listing) co_return listing.error();
        std::string entries;
        for (const std::string& record : records_of(*listing)) { // "H mode oid stage<TAB>path"
            const auto tab = record.find('\t');
            if (tab == record.npos || record.size() < 3) continue;
            if (paths ? !paths->contains(record.substr(tab + 1)) : record[0] == 'S') continue;
            entries += record.substr(2) + '\0';
        }
        co_return co_await set_entries(repo_, plain_, index_, std::move(entries));
    }

    /// Of files that a filter has made something else of, those that do not come out of it again as they lie
    /// there: their own bytes are staged.
    awaitable<result<void>> keep_what_filters_lose(std::set<std::string> before)
    {
        auto staged = co_await filtered_since(std::move(before));
        if (!staged) co_return staged.error();
        if (staged->empty()) co_return result<void>();
        const fs::path back = index_.parent_path() / "back";
        command restore =
            filtered({"checkout-index", "-z", "--stdin", "-f", "-q", "--prefix=" + back.string() + "/"});
        restore.feed(joined(*staged));
        const auto restored = co_await run(std::move(restore));
        if (!restored) co_return restored.error();
        // A file that did not come back differs.
        const auto is_same = [&](const std::string& path) {
            return have_same_bytes(*place_.work_tree / path, back / path);
        };
        co_await offload([&] { std::erase_if(*staged, is_same); });
        std::error_code ignored;
        fs::remove_all(back, ignored);
        if (staged->empty()) co_return result<void>();
        auto forgotten = co_await look_again(std::set<std::string>(staged->begin(), staged->end()));
        if (!forgotten) co_return forgotten;
        command add = with_index(repo_, plain_, index_,
                                 {"add", "-f", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul"});
        add.set("GIT_LITERAL_PATHSPECS", "1");
        add.feed(joined(*staged));
        auto added = co_await whole_answer(std::move(add));
        if (!added) co_return added.error();
        co_return result<void>();
    }

    /// "mode oid stage<TAB>path" of each entry.
    awaitable<result<std::set<std::string>>> entries()
    {
        auto listing =
            co_await repository::answer(with_index(repo_, plain_, index_, {"ls-files", "-s", "-z"}));
        if (!listing) co_return listing.error();
        const auto records = records_of(*listing);
        co_return std::set<std::string>(records.begin(), records.end());
    }

    awaitable<result<bool>> has_filters()
    {
        const auto found = co_await run(
            place_.git(repo_, {"config", "--get-regexp", "^filter\\..*\\.(clean|process)$", "."}));
        if (!found) co_return found.error();
        co_return found->ok();
    }

    /// Which of the files in the index may be of a filter that has been replaced; nullopt: each.
    awaitable<std::optional<std::set<std::string>>> distrusted()
    {
        if (!place_.distrusted_since || place_.distrusted_since->empty()) co_return std::nullopt;
        const auto changed = co_await repository::answer(
            with_index(repo_, plain_, index_,
                       {"diff-index", "--cached", "--name-only", "--no-renames", "--ignore-submodules=none",
                        "-z", *place_.distrusted_since, "--"}));
        if (!changed) co_return std::nullopt; // the commit is not there any more
        const auto paths = records_of(*changed);
        co_return std::set<std::string>(paths.begin(), paths.end());
    }

    /// The files that are in the index since `before` and go through a filter.
    awaitable<result<std::vector<std::string>>> filtered_since(std::set<std::string> before)
    {
        std::vector<std::string> paths;
        const auto after = co_await entries();
        if (!after) co_return after.error();
        const auto among = co_await distrusted();
        for (const std::string& entry : *after) {
            if (!entry.starts_with("100") || before.contains(entry)) continue;
            std::string path = entry.substr(entry.find('\t') + 1);
            if (place_.distrusted_since && !lies_there(*place_.work_tree / path)) continue;
            if (!among || among->contains(path)) paths.push_back(std::move(path));
        }
        if (paths.empty()) co_return paths;
        command ask = filtered({"check-attr", "-z", "--stdin", "filter"});
        ask.feed(joined(paths));
        const auto answers = co_await repository::answer(std::move(ask));
        if (!answers) co_return answers.error();
        paths.clear();
        const auto records = records_of(*answers); // path, "filter", its name
        for (std::size_t at = 0; at + 2 < records.size(); at += 3)
            if (records[at + 2] != "unspecified" && records[at + 2] != "unset") paths.push_back(records[at]);
        co_return paths;
    }

    const repository& repo_;
    workplace place_;
    plain_folder plain_;
    fs::path index_;
    std::vector<gitlink> nested_;
    std::optional<std::vector<std::string>> others_;
};

/// What an index has, and HEAD has not: as lines for `update-index --index-info`, by object. All of it where
/// HEAD does not read.
awaitable<result<std::multimap<std::string, std::string>>>
staged_since_head(const repository& repo, workplace place, plain_folder plain, fs::path index)
{
    std::multimap<std::string, std::string> entries;
    const auto note = [&](const std::string& mode, const std::string& id, const std::string& path) {
        const bool is_blob = mode.starts_with("100") || mode == "120000";
        if (is_blob) entries.emplace(id, mode + " " + id + " 0\t" + path);
    };
    command compare = place.git(repo, {"diff-index", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames",
                                       "--ignore-submodules=none", "HEAD", "--"});
    const auto changed = co_await repository::answer(compare.set("GIT_INDEX_FILE", index.string()));
    if (changed) {
        for (const staged_change& one : raw_changes(*changed))
            note(one.new_mode, one.new_blob.hex(), one.path);
        co_return entries;
    }
    const auto all = co_await repository::answer(with_index(repo, plain, index, {"ls-files", "-s", "-z"}));
    if (!all) co_return all.error();
    for (const std::string& record : records_of(*all)) { // "mode oid stage<TAB>path"
        const auto space = record.find(' '), tab = record.find('\t');
        if (tab != record.npos && space + 2 < tab - 2)
            note(record.substr(0, space), record.substr(space + 1, tab - space - 3), record.substr(tab + 1));
    }
    co_return entries;
}

/// Entries whose object is nowhere, as after a power cut: a tree with one would be a ref that no git can
/// read.
awaitable<result<std::vector<std::string>>> lost_entries(const repository& repo, workplace place,
                                                         plain_folder plain, fs::path index)
{
    std::vector<std::string> lost;
    if (repo.can().partial) co_return lost; // what is not here can be fetched
    const auto staged = co_await staged_since_head(repo, place, plain, index);
    if (!staged) co_return staged.error();
    std::string ids;
    for (auto at = staged->begin(); at != staged->end(); at = staged->upper_bound(at->first))
        ids += at->first + "\n";
    if (ids.empty()) co_return lost;
    command look = with_index(repo, plain, index, {"cat-file", "--batch-check"});
    const auto answers = co_await repository::answer(look.feed(std::move(ids)));
    if (!answers) co_return answers.error();
    for (const std::string& line : records_of(*answers, '\n')) {
        if (!line.ends_with(" missing")) continue;
        const auto [from, to] = staged->equal_range(line.substr(0, line.find(' ')));
        for (auto at = from; at != to; ++at)
            lost.push_back(at->second);
    }
    co_return lost;
}

/// The lines that take entries out.
std::string removals_of(const repository& repo, std::vector<std::string> entries)
{
    for (std::string& entry : entries)
        entry = "0 " + std::string(repo.can().oid_digits(), '0') + entry.substr(entry.find('\t'));
    return joined(entries);
}

awaitable<result<oid>> tree_of_index(const repository& repo, plain_folder plain, fs::path index)
{
    auto tree = co_await repository::answer(with_index(repo, plain, index, {"write-tree", "--missing-ok"}));
    if (!tree) co_return tree.error();
    co_return oid(*tree);
}

/// Unmerged paths cannot be in a tree: our side stands for them, or the other where ours has none.
awaitable<result<void>> settle_unmerged(const repository& repo, plain_folder plain, fs::path index)
{
    auto listing = co_await repository::answer(with_index(repo, plain, index, {"ls-files", "-u", "-z"}));
    if (!listing) co_return listing.error();
    std::map<std::string, std::string> chosen; // path -> "mode oid"
    std::string removals;
    for (const std::string& record : records_of(*listing)) { // "mode oid stage<TAB>path"
        const auto tab = record.find('\t');
        if (tab == record.npos || tab < 2) continue;
        const std::string path = record.substr(tab + 1);
        const char stage = record[tab - 1];
        if (stage == '2' || !chosen.contains(path)) chosen[path] = record.substr(0, tab - 2);
        removals += "0 " + std::string(repo.can().oid_digits(), '0') + "\t" + path + '\0';
    }
    std::string entries;
    for (const auto& [path, entry] : chosen)
        entries += entry + " 0\t" + path + '\0';
    co_return co_await set_entries(repo, plain, index, removals + entries);
}

} // namespace

awaitable<result<place_trees>> write_trees(const repository& repo, workplace place,
                                           std::vector<gitlink> nested, bool may_lack_index)
{
    auto scratch = scratch_folder::make(repo, "snapshot");
    if (!scratch) co_return scratch.error();
    const fs::path of_staged = scratch->path() / "staged";
    auto copied = co_await copy_index(repo, place, of_staged);
    if (!copied) co_return copied.error();
    if (!*copied && !may_lack_index)
        co_return fault(errc::refused, "the checkout of this worktree was never finished")
            .with("git folder", place.git_dir.string());
    auto plain = co_await without_filters(repo, place, scratch->path());
    if (!plain) co_return plain.error();
    auto settled = co_await settle_unmerged(repo, *plain, of_staged);
    if (!settled) co_return settled.error();
    const auto lost = co_await lost_entries(repo, place, *plain, of_staged);
    if (!lost) co_return lost.error();
    auto dropped = co_await set_entries(repo, *plain, of_staged, removals_of(repo, *lost));
    if (!dropped) co_return dropped.error();
    auto staged = co_await tree_of_index(repo, *plain, of_staged);
    if (!staged) co_return staged.error();
    if (!place.work_tree) co_return place_trees{*staged, *staged};

    const fs::path of_files = scratch->path() / "files";
    copied = co_await copy_index(repo, place, of_files);
    if (!copied) co_return copied.error();
    const auto on_files = [&](std::vector<std::string> words) {
        return with_index(repo, *plain, of_files, std::move(words));
    };
    // Set without a time, they are read from their files again, whose bytes may all be there.
    auto forgotten = co_await set_entries(repo, *plain, of_files, joined(*lost));
    if (!forgotten) co_return forgotten.error();
    auto cleared = co_await clear_blind_spots(on_files, *place.work_tree);
    if (!cleared) co_return cleared.error();
    auto opened = co_await open_folders(repo, place, *plain, of_files);
    if (!opened) co_return opened.error();
    file_stager stager(repo, place, *plain, of_files, nested);
    auto added = co_await stager.stage();
    if (!added) co_return added.error();
    std::string links;
    for (const auto& [path, commit] : nested)
        if (!commit.is_null()) links += "160000 " + commit.hex() + " 0\t" + path + '\0';
    auto linked = co_await set_entries(repo, *plain, of_files, std::move(links));
    if (!linked) co_return linked.error();
    auto files = co_await tree_of_index(repo, *plain, of_files);
    if (!files) co_return files.error();
    co_return place_trees{*files, *staged};
}

awaitable<result<std::vector<std::string>>> nested_in(const repository& repo, workplace place)
{
    std::set<std::string> paths;
    auto others = co_await untracked_in(repo, place);
    if (!others) co_return others.error();
    for (const std::string& path : *others)
        if (path.ends_with('/')) paths.insert(path.substr(0, path.size() - 1)); // git does not look into it
    auto tracked = co_await repository::answer(place.git(repo, {"ls-files", "-s", "-z"}));
    if (!tracked) co_return tracked.error();
    for (const std::string& record : records_of(*tracked)) {
        const std::string path = record.substr(record.find('\t') + 1);
        if (record.starts_with("160000 ") && lies_there(*place.work_tree / path / ".git")) paths.insert(path);
    }
    co_return std::vector<std::string>(paths.begin(), paths.end());
}

awaitable<result<oid>> write_own_commit(const repository& repo, workplace place, oid tree,
                                        std::vector<oid> parents, std::string message)
{
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    const std::string who = own_identity().name() + " <" + own_identity().email() + "> " +
                            std::to_string(now.count()) + " +0000\n";
    std::string text = "tree " + tree.hex() + "\n";
    for (const oid& parent : parents)
        text += "parent " + parent.hex() + "\n";
    text += "author " + who + "committer " + who + "\n" + message;
    command write = place.git(repo, {"hash-object", "-t", "commit", "-w", "--stdin"});
    write.feed(std::move(text));
    auto id = co_await repository::answer(std::move(write));
    if (!id) co_return id.error();
    co_return oid(*id);
}

} // namespace graftline::git
