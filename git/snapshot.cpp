#include "graftline/git/snapshot.hpp"

#include "graftline/git/commit.hpp"
#include "graftline/git/ignore_rules.hpp"
#include "graftline/git/records.hpp"
#include "graftline/git/repository.hpp"
#include "graftline/git/scratch.hpp"
#include "graftline/git/survey.hpp"
#include "graftline/runtime/offload.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>
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

/// A git folder that borrows the place's objects and whose attributes switch every conversion off: they win
/// over all that the work tree says. A broken filter or encoding would keep work from being saved, and git
/// runs filters even where it only writes an index whose files are as young as itself.
awaitable<result<plain_folder>> without_filters(const repository& repo, workplace place, fs::path scratch)
{
    auto answer = co_await repository::answer(
        place.git(repo, {"rev-parse", "--show-object-format", "--path-format=absolute", "--git-path",
                         "info/exclude", "--git-path", "objects"}));
    if (!answer) co_return answer.error();
    const std::vector<std::string> lines = records_of(*answer, '\n');
    if (lines.size() != 3)
        co_return fault(errc::corrupt, "git does not say where a repository's objects are");
    const fs::path folder = scratch / "git";
    std::error_code failed;
    for (const char* name : {"refs", "objects", "info"})
        fs::create_directories(folder / name, failed);
    if (failed) co_return system_fault(failed.value(), "cannot make " + folder.string());
    std::string configuration = "[core]\n\trepositoryformatversion = 1\n\tbare = false\n";
    if (lines[0] == "sha256") configuration += "[extensions]\n\tobjectformat = sha256\n";
    for (const auto& [name, text] : std::map<std::string, std::string>{
             {"HEAD", "ref: refs/heads/none\n"},
             {"config", configuration},
             {"info/exclude", text_of(lines[1])},
             {"info/attributes", "* -filter -text -eol -crlf -ident -working-tree-encoding\n"}}) {
        auto written = replace_file(folder / name, text);
        if (!written) co_return written.error();
    }
    co_return plain_folder{workplace(folder, place.work_tree, false), lines[2]};
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

awaitable<result<void>> set_flags(const repository& repo, plain_folder plain, fs::path index,
                                  const char* option, std::vector<std::string> paths)
{
    if (paths.empty()) co_return result<void>();
    command update = with_index(repo, plain, index, {"update-index", "-z", option, "--stdin"});
    update.feed(joined(paths));
    auto done = co_await repository::answer(std::move(update));
    if (!done) co_return done.error();
    co_return result<void>();
}

/// Clears assume-unchanged and skip-worktree, which hide edits; what a sparse checkout left out stays left
/// out.
awaitable<result<void>> clear_blind_spots(const repository& repo, plain_folder plain, fs::path index)
{
    auto listing = co_await repository::answer(with_index(repo, plain, index, {"ls-files", "-v", "-z"}));
    if (!listing) co_return listing.error();
    std::vector<std::string> assumed;
    std::vector<std::string> skipped;
    for (const std::string& record : records_of(*listing)) { // "H path", small when assumed unchanged
        if (record.size() < 3) continue;
        const std::string path = record.substr(2);
        const auto tag = static_cast<unsigned char>(record[0]);
        if (std::islower(tag)) assumed.push_back(path);
        if (std::toupper(tag) == 'S' && lies_there(*plain.place.work_tree / path)) skipped.push_back(path);
    }
    auto cleared = co_await set_flags(repo, plain, index, "--no-assume-unchanged", std::move(assumed));
    if (!cleared) co_return cleared;
    co_return co_await set_flags(repo, plain, index, "--no-skip-worktree", std::move(skipped));
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

awaitable<result<void>> add_files(const repository& repo, workplace place, plain_folder plain, fs::path index,
                                  std::vector<gitlink> nested)
{
    const auto others = co_await untracked_by_own_rules(repo, place, index);
    if (!others) co_return others.error();
    // With the user's filters where they work: large files then lie where LFS keeps them.
    const auto filtered = [&] {
        command call = place.git(repo, {});
        call.set("GIT_INDEX_FILE", index.string());
        return call;
    };
    auto added = co_await stage_all(filtered, all_but(nested), *others);
    if (!added && co_await offload([&] { return make_files_readable(*place.work_tree); }) > 0)
        added = co_await stage_all(filtered, all_but(nested), *others);
    if (added) co_return result<void>();

    auto ignores =
        co_await repository::answer(place.git(repo, {"config", "--type=path", "core.excludesFile"}));
    const auto unfiltered = [&] {
        command call = with_index(repo, plain, index, {});
        if (ignores) call.args("-c", "core.excludesFile=" + *ignores);
        return call;
    };
    auto forced = co_await stage_all(unfiltered, all_but(nested), *others);
    // The first words say what is wrong with the user's set-up; the second attempt's are of our own making.
    if (!forced) co_return added.error();
    co_return result<void>();
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
    auto staged = co_await tree_of_index(repo, *plain, of_staged);
    if (!staged) co_return staged.error();
    if (!place.work_tree) co_return place_trees{*staged, *staged};

    const fs::path of_files = scratch->path() / "files";
    copied = co_await copy_index(repo, place, of_files);
    if (!copied) co_return copied.error();
    auto cleared = co_await clear_blind_spots(repo, *plain, of_files);
    if (!cleared) co_return cleared.error();
    auto opened = co_await open_folders(repo, place, *plain, of_files);
    if (!opened) co_return opened.error();
    auto added = co_await add_files(repo, place, *plain, of_files, nested);
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
