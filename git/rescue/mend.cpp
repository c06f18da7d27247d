#include "graftline/git/rescue/mend.hpp"

#include "graftline/git/refs/branch_use.hpp"
#include "graftline/git/refs/own_worktree.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/failure_words.hpp"
#include "graftline/git/repository/libgit2.hpp"
#include "graftline/git/repository/patience.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/rescue/rescue.hpp"
#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/base/descriptor.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string_view>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

std::string without_line_end(std::string text)
{
    while (text.ends_with('\n') || text.ends_with('\r'))
        text.pop_back();
    return text;
}

/// One line of text, and some: a file that a cut emptied, filled with NULs or with another file's bytes is
/// not.
bool is_line(const std::string& text)
{
    const std::string line = without_line_end(text);
    return !line.empty() && std::ranges::none_of(line, [](unsigned char c) { return c < ' ' || c == 127; });
}

/// What is there and may not be read is not damaged, and not ours to write over.
bool is_closed_to_us(const fs::path& file)
{
    const descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    return !opened && errno != ENOENT;
}

bool has_line(const fs::path& file)
{
    return is_closed_to_us(file) || is_line(text_of(file));
}

/// The same of a file with a path in it, which is `usual` most often, whatever that has in its name.
bool has_path(const fs::path& file, const std::string& usual)
{
    return has_line(file) || without_line_end(text_of(file)) == usual;
}

/// Where the file of a worktree says that git's folder for it is.
std::optional<fs::path> linked_git_dir(const fs::path& worktree)
{
    constexpr std::string_view key = "gitdir: ";
    const std::string text = text_of(worktree / ".git");
    if (!is_line(text) || !text.starts_with(key)) return std::nullopt;
    return (worktree / without_line_end(text.substr(key.size()))).lexically_normal();
}

/// Git's folder for the worktree, by any of the ways that lead there.
std::optional<fs::path> record_of(const repository& repo, const fs::path& worktree)
{
    const fs::path all = repo.common_dir() / "worktrees";
    std::error_code failed;
    const fs::path named = all / worktree.filename(); // as git calls it, unless that was taken
    if (without_line_end(text_of(named / "gitdir")) == (worktree / ".git").string()) return named;
    if (const auto known = git_dir_of(repo, worktree); known && *known) return **known;
    if (auto linked = linked_git_dir(worktree)) // there or not: git removes the folder with the last record
        if (fs::weakly_canonical(linked->parent_path(), failed) == all) return linked;
    // A record that names another place is another's.
    if (fs::is_directory(named, failed) && !is_line(text_of(named / "gitdir"))) return named;
    return std::nullopt;
}

bool is_head(const fs::path& file)
{
    if (is_closed_to_us(file)) return true;
    const std::string text = text_of(file);
    if (!is_line(text)) return false;
    const std::string line = without_line_end(text);
    return line.starts_with("ref: refs/") || oid::parse(line).has_value();
}

/// Git's own end of an index is a hash, or zeros where it is told to leave that out; its beginning says
/// enough: it is written as a whole and renamed.
bool is_index(const fs::path& file)
{
    if (is_closed_to_us(file)) return true;
    std::error_code failed;
    if (!fs::is_regular_file(file, failed)) return false;
    std::string beginning(32, '\0');
    std::ifstream in(file, std::ios::binary);
    in.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
    return in && beginning.starts_with("DIRC");
}

class mended_record {
public:
    mended_record(fs::path record, fs::path worktree)
        : record_(std::move(record)), worktree_(std::move(worktree))
    {
    }

    bool reads_well() const
    {
        std::error_code failed;
        const bool record = has_commondir() && has_path(record_ / "gitdir", link()) &&
                            is_head(record_ / "HEAD") && is_index(record_ / "index");
        const bool lock = !fs::exists(record_ / "locked", failed) || has_line(record_ / "locked");
        return record && lock && (!fs::is_directory(worktree_, failed) || has_link());
    }

    result<void> mend(const std::string& branch, const std::string& reason)
    {
        std::error_code failed;
        if (!has_commondir()) write(record_ / "commondir", "../..");
        if (!has_path(record_ / "gitdir", link())) write(record_ / "gitdir", link());
        if (!is_head(record_ / "HEAD")) write(record_ / "HEAD", "ref: refs/heads/" + branch);
        // An agent may have taken the lock away: it comes back, and is ours.
        if (!has_line(record_ / "locked")) write(record_ / "locked", reason);
        if (fs::is_directory(worktree_, failed) && !has_link())
            write(worktree_ / ".git", "gitdir: " + record_.string());
        return std::move(wrong_);
    }
    /// An index that is no index is taken away. True: there is none.
    bool lacks_index()
    {
        const fs::path index = record_ / "index";
        std::error_code failed;
        if (is_index(index)) return false;
        fs::remove(index, failed);
        return true;
    }
    std::vector<fs::path> written() && { return std::move(written_); }

private:
    /// It leads to the repository that the record lies in.
    bool has_commondir() const
    {
        const fs::path file = record_ / "commondir";
        if (is_closed_to_us(file)) return true;
        const std::string text = text_of(file);
        std::error_code failed;
        return is_line(text) &&
               fs::equivalent(record_ / without_line_end(text), record_.parent_path().parent_path(), failed);
    }

    /// Without any `.git` the folder may be somebody else's, put there since; what is no file is not git's.
    bool has_link() const
    {
        std::error_code failed;
        const auto what = fs::symlink_status(worktree_ / ".git", failed);
        return !fs::is_regular_file(what) || has_path(worktree_ / ".git", "gitdir: " + record_.string());
    }
    std::string link() const { return (worktree_ / ".git").string(); }
    void write(const fs::path& file, const std::string& line)
    {
        auto done = replace_file(file, line + "\n");
        if (done)
            written_.push_back(file);
        else if (wrong_)
            wrong_ = done.error();
    }

    fs::path record_;
    fs::path worktree_;
    std::vector<fs::path> written_;
    result<void> wrong_;
};

/// Git's record is gone as a whole, the folder is not: a `git worktree prune` while its disk was away, or a
/// hand. Makes the folder for a new one.
awaitable<result<void>> begin_record(repository& repo, fs::path record, fs::path worktree, std::string branch,
                                     std::vector<std::string> furnished)
{
    const auto refused = [&](std::string why) {
        return fault(errc::refused, "git has no record of this worktree any more, and " + std::move(why))
            .with("worktree", worktree.string())
            .advise(
                "Its files are all that is left: copy what you need, and move the folder away. Then discard "
                "the task, or retry it.");
    };
    const std::string fullname = "refs/heads/" + branch;
    const auto tip = co_await read_ref(repo, fullname);
    if (!tip) co_return tip.error();
    if (!*tip) co_return refused("its branch is gone: " + branch);
    const auto uses = co_await find_uses_of(repo, fullname);
    if (!uses) co_return uses.error();
    for (const branch_use& use : *uses)
        co_return refused("its branch is in use in " + use.work_tree.string() + ": " + branch);
    std::error_code failed;
    for (const std::string& path : furnished)
        if (fs::exists(fs::symlink_status(worktree / path, failed)))
            co_return refused("whether this is the task's own or a copy of yours is not known: " + path)
                .advise("Move it out of there, then do this again.");
    fs::create_directories(record, failed);
    if (failed) co_return system_fault(failed.value(), "cannot make " + record.string());
    co_return result<void>();
}

} // namespace

awaitable<result<std::vector<fs::path>>> mend_worktree(repository& repo, fs::path worktree,
                                                       std::string branch, std::string reason,
                                                       std::vector<std::string> furnished)
{
    const auto record = record_of(repo, worktree);
    if (!record || *record == repo.common_dir()) co_return std::vector<fs::path>();
    std::error_code failed;
    const bool is_gone = fs::symlink_status(*record, failed).type() == fs::file_type::not_found;
    if (is_gone)
        if (auto begun = co_await begin_record(repo, *record, worktree, branch, std::move(furnished)); !begun)
            co_return begun.error();
    mended_record mended(*record, worktree);
    auto looking = [&]() -> result<bool> {
        auto done = mended.mend(branch, reason);
        if (!done) return done.error();
        return mended.lacks_index();
    };
    const auto lacks_index = co_await offload(std::move(looking));
    if (!lacks_index) co_return lacks_index.error();
    std::vector<fs::path> written = std::move(mended).written();
    if (is_gone)
        if (auto marked = mark_own_worktree(*record, worktree, reason); !marked) co_return marked.error();
    if (*lacks_index && fs::is_directory(worktree, failed)) {
        auto made = co_await repo.ask_in(worktree, "read-tree", "HEAD");
        if (!made) co_return made.error();
        written.push_back(*record / "index");
    }
    co_return written;
}

// ---- branches

namespace {

/// How the file of a branch reads.
struct branch_file {
    bool is_there = false;
    bool is_symbolic = false;
    bool is_closed = false; ///< it may not be read
    std::optional<oid> at;  ///< nullopt: it does not read
};

branch_file read_branch_file(const fs::path& file)
{
    branch_file read;
    std::error_code failed;
    read.is_there = fs::is_regular_file(fs::symlink_status(file, failed));
    const std::string text = read.is_there ? text_of(file) : std::string();
    read.is_symbolic = text.starts_with("ref: ");
    read.is_closed = read.is_there && is_closed_to_us(file);
    if (is_line(text)) read.at = oid::parse(without_line_end(text));
    return read;
}

/// Every commit that the reflog names, the newest first.
std::vector<oid> places_in_reflog(const fs::path& log)
{
    std::vector<oid> places;
    const auto lines = records_of(text_of(log), '\n');
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
        const auto words = records_of(line->substr(0, 130), ' '); // "old new who when what"
        for (const std::size_t at : {std::size_t{1}, std::size_t{0}})
            if (at < words.size())
                if (auto id = oid::parse(words[at]); id && !id->is_null()) places.push_back(std::move(*id));
    }
    return places;
}

fs::path loose_file(const repository& repo, const oid& id)
{
    return repo.common_dir() / "objects" / id.hex().substr(0, 2) / id.hex().substr(2);
}

bool is_empty_object(const repository& repo, const oid& id)
{
    std::error_code absent;
    return fs::file_size(loose_file(repo, id), absent) == 0 && !absent;
}

bool has_top_tree(git_repository& repository, const git_oid& id)
{
    commit_ptr commit;
    if (git_commit_lookup(out(commit), &repository, &id) != 0) return false;
    object_ptr tree;
    return git_object_lookup(out(tree), &repository, git_commit_tree_id(commit.get()), GIT_OBJECT_TREE) == 0;
}

/// The commit and its top folder are there.
awaitable<result<bool>> is_commit(repository& repo, oid commit)
{
    // Git would take it for present for ever.
    if (is_empty_object(repo, commit)) ::unlink(loose_file(repo, commit).c_str());
    if (repo.may_read_directly()) {
        auto look = [commit](git_repository& repository) -> result<bool> {
            const auto id = from_oid(commit);
            return id && has_top_tree(repository, *id);
        };
        const auto there = co_await repo.direct().run(std::move(look));
        if (there && *there) co_return true;
    }
    command look = repo.git("ls-tree", commit.hex());
    const auto words = look.words();
    const auto there = co_await run_git(std::move(look));
    if (!there) co_return there.error();
    if (there->ok()) co_return true;
    if (there->status == exit_status(exited{1}) || says_damaged(there->err)) co_return false;
    co_return git_failed(words, *there);
}

awaitable<result<bool>> walks(repository& repo, command walk)
{
    const auto words = walk.words();
    const auto walked = co_await run_git(std::move(walk));
    if (!walked) co_return walked.error();
    if (walked->ok()) co_return true;
    if (says_damaged(walked->err)) co_return false;
    co_return git_failed(words, *walked); // it may be there all the same
}

/// Its history is there, and its own files are.
awaitable<result<bool>> reads(repository& repo, oid commit, std::optional<oid> base)
{
    const auto there = co_await is_commit(repo, commit);
    if (!there) co_return there.error();
    if (!*there) co_return false;
    command history = repo.git("rev-list", "--quiet", commit.hex());
    command files = repo.git("rev-list", "--quiet", "--objects", commit.hex() + "^{tree}");
    if (base && *base != commit) {
        history.args("--not", base->hex());
        files.args("--not", base->hex() + "^{tree}");
    }
    const auto walked = co_await walks(repo, std::move(history));
    if (!walked) co_return walked.error();
    if (!*walked) co_return false;
    co_return co_await walks(repo, std::move(files));
}

/// The commits below this one, the newest first, as far as they can be followed.
awaitable<std::vector<oid>> commits_below(repository& repo, oid tip, std::optional<oid> base)
{
    command walk = repo.git("rev-list", "--max-count=100", tip.hex());
    if (base) walk.args("--not", base->hex());
    std::vector<oid> below;
    if (const auto listed = co_await run_git(std::move(walk)))
        for (const std::string& line : records_of(listed->out, '\n'))
            if (auto id = oid::parse(line); id && *id != tip) below.push_back(std::move(*id));
    co_return below;
}

/// Nullopt: none of them reads.
awaitable<result<std::optional<oid>>> first_that_reads(repository& repo, std::vector<oid> all,
                                                       std::optional<oid> base)
{
    for (const oid& place : all) {
        const auto fine = co_await reads(repo, place, base);
        if (!fine) co_return fine.error();
        if (*fine) co_return place;
    }
    co_return std::optional<oid>();
}

awaitable<result<oid>> best_place(repository& repo, std::string fullname, std::optional<oid> was,
                                  known_places places)
{
    std::vector<oid> all;
    if (was) all = co_await commits_below(repo, *was, places.base);
    if (places.recorded) all.push_back(*places.recorded);
    for (oid& place : places_in_reflog(repo.common_dir() / "logs" / fullname))
        all.push_back(std::move(place));
    if (places.base) all.push_back(*places.base);
    const auto found = co_await first_that_reads(repo, std::move(all), places.base);
    if (!found) co_return found.error();
    if (*found) co_return **found;
    co_return fault(errc::corrupt, "a branch does not read, and nothing is left that it could go back to")
        .with("branch", fullname);
}

/// What the branch alone leads to, before it goes to `place`.
awaitable<result<std::optional<std::string>>> keep_what_it_was(repository& repo, std::string fullname,
                                                               std::string task, std::optional<oid> was,
                                                               oid place, known_places places)
{
    auto kept = was;
    const auto there = was ? co_await is_commit(repo, *was) : result<bool>(false);
    if (!there) co_return there.error();
    if (!*there) {
        auto log = places_in_reflog(repo.common_dir() / "logs" / fullname);
        const auto newest = co_await first_that_reads(repo, std::move(log), places.base);
        if (!newest) co_return newest.error();
        kept = *newest;
    }
    if (!kept || *kept == place) co_return std::optional<std::string>();
    if (!*there)
        if (const auto below = co_await is_ancestor(repo, *kept, place); below && *below)
            co_return std::optional<std::string>();
    co_return co_await rescue_commit(repo, *kept, task, fullname);
}

} // namespace

bool looks_damaged(const repository& repo, const fs::path& worktree, const std::string& branch)
{
    if (!branch.empty()) {
        const branch_file read = read_branch_file(repo.common_dir() / "refs/heads" / branch);
        if (read.is_there && !read.is_symbolic && !read.is_closed &&
            (!read.at || is_empty_object(repo, *read.at)))
            return true;
    }
    if (worktree.empty()) return false;
    const auto record = record_of(repo, worktree);
    return record && *record != repo.common_dir() && !mended_record(*record, worktree).reads_well();
}

awaitable<result<bool>> is_whole(repository& repo, oid commit, std::optional<oid> base)
{
    command walk = repo.git("rev-list", "--quiet", "--objects", commit.hex());
    if (base && *base != commit) walk.args("--not", base->hex());
    co_return co_await walks(repo, std::move(walk));
}

awaitable<std::vector<std::string>> branches_in_trouble(repository& repo, std::vector<std::string> branches)
{
    using names = std::vector<std::string>;
    if (!repo.may_read_directly() || branches.empty()) co_return names();
    auto look = [branches = std::move(branches)](git_repository& repository) -> result<names> {
        names found;
        for (const std::string& branch : branches) {
            git_oid at;
            if (git_reference_name_to_id(&at, &repository, ("refs/heads/" + branch).c_str()) == 0 &&
                !has_top_tree(repository, at))
                found.push_back(branch);
        }
        return found;
    };
    auto found = co_await repo.direct().run(std::move(look));
    co_return found ? std::move(*found) : names();
}

namespace {

/// One branch under the eyes of `mend_branch`.
class branch_mending {
public:
    branch_mending(repository& repo, std::string branch, std::string task, known_places places)
        : repo_(repo), fullname_("refs/heads/" + branch), task_(std::move(task)), places_(std::move(places)),
          read_(read_branch_file(repo.common_dir() / fullname_))
    {
    }

    awaitable<result<mended_branch>> carry_out(bool thorough)
    {
        mended_branch done;
        const auto broken = co_await is_broken(thorough, done.has_gaps);
        if (!broken) co_return broken.error();
        if (!*broken) co_return done;
        const auto place = co_await best_place(repo_, fullname_, read_.at, places_);
        if (!place) co_return place.error();
        auto kept = co_await keep_what_it_was(repo_, fullname_, task_, read_.at, *place, places_);
        if (!kept) co_return kept.error();
        done.kept = std::move(*kept);
        const auto put = co_await put_at(*place);
        if (!put) co_return put.error();
        if (!*put) co_return mended_branch{};
        done.was = read_.at;
        done.put = *place;
        co_return done;
    }

private:
    awaitable<result<bool>> is_broken(bool thorough, bool& has_gaps)
    {
        if (read_.is_symbolic || read_.is_closed) co_return false;
        if (!read_.is_there) co_return co_await is_to_come_back();
        if (!read_.at) co_return true;
        auto look = thorough ? is_whole(repo_, *read_.at, places_.base) : is_commit(repo_, *read_.at);
        const auto fine = co_await std::move(look);
        if (!fine) co_return fine.error();
        if (*fine || !thorough) co_return !*fine;
        const auto lands = co_await reads(repo_, *read_.at, places_.base);
        if (!lands) co_return lands.error();
        has_gaps = *lands;
        co_return !*lands;
    }

    awaitable<result<bool>> is_to_come_back()
    {
        const bool packed =
            text_of(repo_.common_dir() / "packed-refs").find(" " + fullname_ + "\n") != std::string::npos;
        const bool may_come_back = !packed && places_.must_be_there && places_.recorded;
        if (!may_come_back) co_return false;
        co_return co_await is_whole(repo_, *places_.recorded, places_.base);
    }

    /// False: somebody has put it right meanwhile.
    awaitable<result<bool>> put_at(oid place)
    {
        auto held = co_await repo_.lock().acquire();
        if (!held) co_return held.error();
        // Nothing that git could compare with: the file goes first.
        const fs::path file = repo_.common_dir() / fullname_;
        if (read_branch_file(file).at != read_.at) co_return false;
        ::unlink(file.c_str());
        auto put = co_await update_ref(repo_, fullname_, place, oid(std::string(place.hex().size(), '0')),
                                       "graftline: put back, for what it was at does not read");
        if (!put) co_return put.error();
        co_return true;
    }

    repository& repo_;
    std::string fullname_;
    std::string task_;
    known_places places_;
    branch_file read_;
};

} // namespace

awaitable<result<mended_branch>> mend_branch(repository& repo, std::string branch, std::string task,
                                             known_places places, bool thorough)
{
    branch_mending mending(repo, std::move(branch), std::move(task), std::move(places));
    co_return co_await mending.carry_out(thorough);
}

} // namespace graftline::git
