#include "graftline/git/landing/landing_checkout.hpp"

#include "graftline/git/landing/kept_files.hpp"
#include "graftline/git/repository/patience.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <set>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

fs::file_status status_at(const fs::path& path)
{
    std::error_code ignored;
    return fs::symlink_status(path, ignored);
}

/// Does all below `folder` go with the landing? Then a file may take its place.
bool all_removed(const fs::path& top, const fs::path& folder, const std::set<std::string>& removed)
{
    std::error_code failed;
    for (fs::recursive_directory_iterator entry(top / folder, failed), end; !failed && entry != end;
         entry.increment(failed)) {
        if (entry->is_directory(failed) && !entry->is_symlink(failed)) continue;
        if (!removed.contains(entry->path().lexically_relative(top).string())) return false;
    }
    return !failed;
}

/// A parent of `path` that is there and is no folder, and that the landing does not remove.
bool parent_in_the_way(const fs::path& top, const fs::path& path, const std::set<std::string>& removed)
{
    fs::path parent;
    for (const fs::path& part : path.parent_path()) {
        parent /= part;
        const fs::file_status status = status_at(top / parent);
        if (!fs::exists(status)) return false;
        if (!fs::is_directory(status)) return !removed.contains(parent.string());
    }
    return false;
}

/// Paths that are a file on one side of the landing and a folder on the other.
std::set<std::string> changing_kind(const std::vector<staged_change>& landing)
{
    std::set<std::string> added;
    std::set<std::string> removed;
    for (const staged_change& change : landing)
        if (change.was_there() != change.is_there())
            (change.is_there() ? added : removed).insert(change.path);
    std::set<std::string> found;
    auto look = [&](const std::set<std::string>& paths, const std::set<std::string>& files) {
        for (const std::string& path : paths)
            for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1))
                if (const std::string parent = path.substr(0, slash); files.contains(parent))
                    found.insert(parent);
    };
    if (added.empty() || removed.empty()) return found;
    look(removed, added);
    look(added, removed);
    return found;
}

/// What is staged at or below `roots` and is neither what was there nor what is landed.
awaitable<result<void>> staged_below(landing_checkout where, oid from, std::set<std::string> roots,
                                     std::vector<staged_change> landing, std::set<std::string>& edited)
{
    auto output = co_await repository::answer(
        where.git({"diff-index", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames",
                   "--ignore-submodules=none", from.hex(), "--"}));
    if (!output) co_return output.error();
    std::map<std::string, std::string> landed;
    for (const staged_change& change : landing)
        landed[change.path] = state_of(change.new_mode, change.new_blob);
    for (const staged_change& staged : raw_changes(*output)) {
        const bool below = std::ranges::any_of(roots, [&](const std::string& root) {
            return staged.path == root || staged.path.starts_with(root + "/");
        });
        if (!below) continue;
        // A file that the user took out of the index goes all the same, unless the landing keeps it.
        const auto found = landed.find(staged.path);
        if (found != landed.end() && found->second == state_of(staged.new_mode, staged.new_blob)) continue;
        edited.insert(staged.path);
    }
    co_return result<void>();
}

bool has_same_text(const fs::path& one, const fs::path& other)
{
    std::error_code failed;
    if (!fs::is_regular_file(status_at(other)) || fs::file_size(one, failed) != fs::file_size(other, failed))
        return false;
    std::ifstream first(one, std::ios::binary);
    std::ifstream second(other, std::ios::binary);
    using bytes = std::istreambuf_iterator<char>;
    return first && second && std::equal(bytes(first), bytes(), bytes(second), bytes());
}

awaitable<result<oid>> hash_text(landing_checkout where, std::string text)
{
    command hash = where.git({"hash-object", "--stdin"});
    hash.feed(std::move(text));
    auto id = co_await repository::answer(std::move(hash));
    if (!id) co_return id.error();
    co_return oid(*id);
}

/// Files with plain names in one process: names are lines there.
awaitable<result<void>> hash_files(landing_checkout where, std::vector<std::string> paths,
                                   std::map<std::string, std::optional<oid>>& blobs)
{
    if (paths.empty()) co_return result<void>();
    command hash = where.git({"hash-object", "--stdin-paths"});
    hash.feed(joined(paths, '\n'));
    auto ids = co_await repository::answer(std::move(hash));
    if (!ids) co_return ids.error();
    const std::vector<std::string> lines = records_of(*ids, '\n');
    if (lines.size() != paths.size())
        co_return fault(errc::corrupt, "git hashed fewer files than it was given");
    for (std::size_t at = 0; at < paths.size(); ++at)
        blobs[paths[at]] = oid(lines[at]);
    co_return result<void>();
}

/// Runs what needs index.lock; another process holds that for moments only.
awaitable<result<void>> answer_unlocked(command call)
{
    asio::steady_timer pause(co_await asio::this_coro::executor);
    for (int attempt = 0;; ++attempt) {
        auto done = co_await repository::answer(call);
        if (done) co_return result<void>();
        if (!says_locked(done.error().message())) co_return done.error();
        if (attempt == 20)
            co_return fault(errc::busy, "another git process keeps the index locked")
                .with("git says", done.error().message());
        pause.expires_after(std::chrono::milliseconds(5 + 5 * attempt));
        co_await pause.async_wait(use_awaitable);
    }
}

} // namespace

command landing_checkout::git(std::vector<std::string> words) const
{
    command call = repo_->prepare_in(
        work_tree_, {"--git-dir=" + git_dir_.string(), "--work-tree=" + work_tree_.string()});
    // The user's index and branches: half of one after a power cut would be theirs to mend.
    if (repo_->durable() == durability::power) call.args("-c", "core.fsync=reference,index");
    for (std::string& word : words)
        call.add(std::move(word));
    return call;
}

bool says_locked(const std::string& words)
{
    return words.find(".lock': File exists") != std::string::npos;
}

std::string state_of(const std::string& mode, const oid& blob)
{
    return mode + " " + blob.hex();
}

std::vector<std::string> paths_in_the_way(const landing_checkout& where,
                                          const std::vector<staged_change>& landing)
{
    std::set<std::string> removed;
    for (const staged_change& change : landing)
        if (!change.is_there()) removed.insert(change.path);
    std::vector<std::string> found;
    for (const staged_change& change : landing) {
        if (change.was_there() || !change.is_there()) continue;
        const fs::file_status status = status_at(where.work_tree() / change.path);
        const bool is_folder = fs::is_directory(status);
        const bool in_the_way =
            is_folder ? !all_removed(where.work_tree(), change.path, removed)
                      : fs::exists(status) || parent_in_the_way(where.work_tree(), change.path, removed);
        if (in_the_way) found.push_back(change.path);
    }
    return found;
}

awaitable<result<std::map<std::string, std::optional<oid>>>> blobs_on_disk(landing_checkout where,
                                                                           std::vector<staged_change> landing)
{
    std::map<std::string, std::optional<oid>> blobs;
    std::vector<std::string> plain;
    for (const staged_change& change : landing) {
        if (change.old_mode == "160000" || change.new_mode == "160000") continue;
        const fs::path file = where.work_tree() / change.path;
        const fs::file_status status = status_at(file);
        if (fs::is_symlink(status)) {
            auto id = co_await hash_text(where, fs::read_symlink(file).string());
            if (!id) co_return id.error();
            blobs[change.path] = *id;
        } else if (!fs::is_regular_file(status)) {
            blobs[change.path] = std::nullopt;
        } else if (change.path.find('\n') == std::string::npos) {
            plain.push_back(change.path);
        } else {
            auto id = co_await repository::answer(where.git({"hash-object", "--", change.path}));
            if (!id) co_return id.error();
            blobs[change.path] = oid(*id);
        }
    }
    auto hashed = co_await hash_files(where, std::move(plain), blobs);
    if (!hashed) co_return hashed.error();
    co_return blobs;
}

awaitable<result<std::vector<std::string>>> edited_paths(landing_checkout where, oid from,
                                                         std::vector<staged_change> landing)
{
    std::set<std::string> touched;
    for (const staged_change& change : landing)
        touched.insert(change.path);
    std::set<std::string> edited;
    // Against the files, then against the index alone: a path may be staged and then put back on disk.
    for (const char* which : {"--no-renames", "--cached"}) {
        auto output = co_await repository::answer(
            where.git({"diff-index", "-z", "--name-only", "--no-renames", which, from.hex(), "--"}));
        if (!output) co_return output.error();
        for (std::string& path : records_of(*output))
            if (touched.contains(path)) edited.insert(std::move(path));
    }
    co_return std::vector<std::string>(edited.begin(), edited.end());
}

awaitable<result<std::vector<std::string>>> overlooked_edits(landing_checkout where, oid from,
                                                             std::vector<staged_change> landing)
{
    std::set<std::string> edited;
    std::set<std::string> missing;
    for (const staged_change& change : landing)
        if (change.was_there() && change.is_there() && change.old_mode != "160000" &&
            !fs::exists(status_at(where.work_tree() / change.path)))
            missing.insert(change.path);
    if (!missing.empty()) {
        // Git knows which of them a sparse checkout leaves out.
        auto output = co_await repository::answer(
            where.git({"diff-files", "-z", "--name-only", "--no-renames", "--diff-filter=D"}));
        if (!output) co_return output.error();
        for (std::string& path : records_of(*output))
            if (missing.contains(path)) edited.insert(std::move(path));
    }
    if (auto roots = changing_kind(landing); !roots.empty()) {
        auto looked = co_await staged_below(where, from, std::move(roots), landing, edited);
        if (!looked) co_return looked.error();
    }
    co_return std::vector<std::string>(edited.begin(), edited.end());
}

/// A file that git was killed in the middle of writing: it holds the beginning of what was to land, no more.
/// After a power cut NULs may stand for what did not reach the disk. Somebody's edit is something else.
static awaitable<bool> is_half_written(const landing_checkout& where, const staged_change& change)
{
    std::error_code failed;
    const fs::path file = where.work_tree() / change.path;
    if (!change.is_there() || !fs::is_regular_file(status_at(file))) co_return false;
    const auto size = fs::file_size(file, failed);
    auto whole = co_await run_git(
        where.git({"cat-file", "--filters", "--path=" + change.path, change.new_blob.hex()}));
    if (failed || !whole || !whole->ok() || size > whole->out.size()) co_return false;
    std::ifstream in(file, std::ios::binary);
    std::string begun(size, '\0');
    in.read(begun.data(), static_cast<std::streamsize>(size));
    const auto as_written = [](char here, char there) { return here == there || here == '\0'; };
    co_return in&& std::equal(begun.begin(), begun.end(), whole->out.begin(), as_written);
}

/// Is what lies there nothing, or the landing's? Where a filter cannot tell, it is not.
static awaitable<bool> is_of_landing(const landing_checkout& where, const staged_change& change)
{
    const auto status = status_at(where.work_tree() / change.path);
    if (status.type() == fs::file_type::not_found) co_return true;
    const auto blobs = co_await blobs_on_disk(where, {change});
    const auto wanted = change.is_there() ? std::optional(change.new_blob) : std::nullopt;
    if (blobs && blobs->contains(change.path) && blobs->at(change.path) == wanted) co_return true;
    co_return co_await is_half_written(where, change);
}

/// Puts back what there is a copy of. Result: the others, and what is neither old nor the landing's.
static awaitable<result<std::vector<staged_change>>>
put_copies_back(const landing_checkout& where, std::vector<staged_change> landing, const kept_files& kept)
{
    std::vector<staged_change> others;
    for (staged_change& change : landing) {
        const auto copy = kept.copy_of(change.path);
        if (copy && has_same_text(*copy, where.work_tree() / change.path)) continue;
        if (!copy || !co_await is_of_landing(where, change)) {
            others.push_back(std::move(change));
            continue;
        }
        auto put = kept.put_back(where, change.path);
        if (!put) co_return put.error();
    }
    co_return others;
}

awaitable<result<void>> put_back(landing_checkout where, std::vector<staged_change> landing,
                                 const kept_files& kept)
{
    auto others = co_await put_copies_back(where, std::move(landing), kept);
    if (!others) co_return others.error();
    landing = std::move(*others);
    auto blobs = co_await blobs_on_disk(where, landing);
    if (!blobs) co_return blobs.error();
    std::string restored;
    std::string strange;
    for (const staged_change& change : landing) {
        const auto found = blobs->find(change.path);
        if (found == blobs->end()) continue;
        const std::optional<oid> old_blob =
            change.was_there() ? std::optional<oid>(change.old_blob) : std::nullopt;
        const std::optional<oid> new_blob =
            change.is_there() ? std::optional<oid>(change.new_blob) : std::nullopt;
        if (found->second == old_blob) continue;
        // Git unlinks a file before it writes the new one: a missing file is half of a change of ours too.
        const bool unknown = found->second != new_blob && found->second;
        if (unknown && !co_await is_half_written(where, change)) {
            strange += change.path + "\n";
        } else if (old_blob) {
            restored += change.path + '\0';
        } else {
            std::error_code failed;
            fs::remove(where.work_tree() / change.path, failed);
            if (failed) strange += change.path + "\n";
        }
    }
    if (!restored.empty()) {
        command checkout = where.git({"checkout-index", "-q", "-f", "-u", "-z", "--stdin"});
        checkout.feed(std::move(restored));
        auto done = co_await answer_unlocked(std::move(checkout));
        if (!done) co_return done;
    }
    if (!strange.empty())
        co_return fault(errc::corrupt,
                        "files are neither what they were nor what was landed; they were left alone")
            .with("checkout", where.work_tree().string())
            .with("paths", strange.substr(0, strange.size() - 1))
            .advise("A landing was cut short here. Put those files aside, then run the same command again.");
    co_return result<void>();
}

awaitable<result<void>> take_entries_back(landing_checkout where, std::vector<staged_change> landing)
{
    auto output =
        co_await repository::answer(where.git({"diff-index", "--cached", "--raw", "-z", "--no-abbrev",
                                               "--no-renames", "--ignore-submodules=none", "HEAD"}));
    if (!output) co_return output.error();
    std::map<std::string, std::string> landed;
    for (const staged_change& change : landing)
        landed.emplace(change.path, state_of(change.new_mode, change.new_blob));
    std::string entries;
    for (const staged_change& staged : raw_changes(*output)) { // old: in HEAD, new: in the index
        const auto ours = landed.find(staged.path);
        if (ours == landed.end() || ours->second != state_of(staged.new_mode, staged.new_blob)) continue;
        entries += (staged.was_there() ? staged.old_mode + " " + staged.old_blob.hex() + " 0"
                                       : "0 " + staged.old_blob.hex()) +
                   "\t" + staged.path + '\0';
    }
    if (entries.empty()) co_return result<void>();
    command update = where.git({"update-index", "-z", "--index-info"});
    update.feed(std::move(entries));
    auto done = co_await answer_unlocked(std::move(update));
    if (!done) co_return done.error();
    co_return result<void>();
}

awaitable<result<std::size_t>> repair_entries(landing_checkout where, std::string tree,
                                              std::vector<staged_change> landing,
                                              std::map<std::string, std::vector<std::string>> old)
{
    auto output =
        co_await repository::answer(where.git({"diff-index", "--cached", "--raw", "-z", "--no-abbrev",
                                               "--no-renames", "--ignore-submodules=none", tree, "--"}));
    if (!output) co_return output.error();
    if (output->empty()) co_return std::size_t{0};
    std::map<std::string, staged_change> landed;
    for (staged_change& change : landing)
        landed.insert_or_assign(change.path, std::move(change));

    std::vector<staged_change> suspects;
    for (const staged_change& differs : raw_changes(*output)) { // old: in the tree, new: in the index
        const auto change = landed.find(differs.path);
        if (change == landed.end()) continue;
        if (state_of(differs.old_mode, differs.old_blob) !=
            state_of(change->second.new_mode, change->second.new_blob))
            continue;
        const std::vector<std::string>& states = old[differs.path];
        const std::string staged = state_of(differs.new_mode, differs.new_blob);
        if (std::find(states.begin(), states.end(), staged) != states.end())
            suspects.push_back(change->second);
    }
    if (suspects.empty()) co_return std::size_t{0};
    auto blobs = co_await blobs_on_disk(where, suspects);
    if (!blobs) co_return blobs.error();

    std::string entries;
    std::size_t count = 0;
    for (const staged_change& change : suspects) {
        const auto found = blobs->find(change.path);
        const bool same =
            found != blobs->end() &&
            found->second == (change.is_there() ? std::optional<oid>(change.new_blob) : std::nullopt);
        if (!same) continue; // the user has edited it since: theirs
        entries += (change.is_there() ? change.new_mode + " " + change.new_blob.hex() + " 0"
                                      : "0 " + change.new_blob.hex()) +
                   "\t" + change.path + '\0';
        ++count;
    }
    if (count == 0) co_return count;
    command update = where.git({"update-index", "-z", "--index-info"});
    update.feed(std::move(entries));
    auto done = co_await answer_unlocked(std::move(update));
    if (!done) co_return done.error();
    // The entries know nothing of the files' times yet; unrelated changes make this exit with 1.
    auto refreshed = co_await run_git(where.git({"update-index", "-q", "--refresh"}));
    if (!refreshed) co_return refreshed.error();
    co_return count;
}

} // namespace graftline::git
