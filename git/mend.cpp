#include "graftline/git/mend.hpp"

#include "graftline/git/branch_use.hpp"
#include "graftline/git/patience.hpp"
#include "graftline/git/read_direct.hpp"
#include "graftline/git/records.hpp"
#include "graftline/git/refs.hpp"
#include "graftline/git/repository.hpp"
#include "graftline/git/scratch.hpp"
#include "graftline/runtime/descriptor.hpp"
#include "graftline/runtime/offload.hpp"

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
    if (auto linked = linked_git_dir(worktree); linked && fs::equivalent(linked->parent_path(), all, failed))
        return linked;
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
        const bool record = has_line(record_ / "commondir") && has_path(record_ / "gitdir", link()) &&
                            is_head(record_ / "HEAD") && is_index(record_ / "index");
        const bool lock = !fs::exists(record_ / "locked", failed) || has_line(record_ / "locked");
        return record && lock && (!fs::is_directory(worktree_, failed) || has_link());
    }

    result<void> mend(const std::string& branch, const std::string& reason)
    {
        std::error_code failed;
        if (!has_line(record_ / "commondir")) write(record_ / "commondir", "../..");
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

} // namespace

awaitable<result<std::vector<fs::path>>> mend_worktree(repository& repo, fs::path worktree,
                                                       std::string branch, std::string reason)
{
    const auto record = record_of(repo, worktree);
    if (!record || *record == repo.common_dir()) co_return std::vector<fs::path>();
    mended_record mended(*record, worktree);
    auto looking = [&]() -> result<bool> {
        auto done = mended.mend(branch, reason);
        if (!done) return done.error();
        return mended.lacks_index();
    };
    const auto lacks_index = co_await offload(std::move(looking));
    if (!lacks_index) co_return lacks_index.error();
    std::vector<fs::path> written = std::move(mended).written();
    std::error_code failed;
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

/// In git's words: an object is not there, or not what it was. Anything else says nothing about objects.
bool says_damaged(const std::string& words)
{
    for (const char* part : {"bad object", "missing", "Could not read", "ould not parse", "ailed to traverse",
                             "corrupt", "is empty", "inflate", "unable to unpack", "Not a valid object name",
                             "bad revision", "unable to find"})
        if (words.find(part) != words.npos) return true;
    return false;
}

awaitable<result<bool>> is_commit(repository& repo, oid commit)
{
    // Git would take it for present for ever.
    if (is_empty_object(repo, commit)) ::unlink(loose_file(repo, commit).c_str());
    if (repo.may_read_directly() && co_await read_direct::tree_of(repo, commit)) co_return true;
    command look = repo.git("cat-file", "-e", commit.hex() + "^{tree}");
    const auto words = look.words();
    const auto there = co_await run_git(std::move(look));
    if (!there) co_return there.error();
    if (there->ok()) co_return true;
    if (there->status == exit_status(exited{1}) || says_damaged(there->err)) co_return false;
    co_return git_failed(words, *there);
}

awaitable<result<oid>> best_place(repository& repo, std::string fullname, known_places places)
{
    std::vector<oid> all;
    if (places.recorded) all.push_back(*places.recorded);
    for (oid& place : places_in_reflog(repo.common_dir() / "logs" / fullname))
        all.push_back(std::move(place));
    if (places.base) all.push_back(*places.base);
    for (const oid& place : all) {
        const auto whole = co_await is_whole(repo, place, places.base);
        if (!whole) co_return whole.error();
        if (*whole) co_return place;
    }
    co_return fault(errc::corrupt, "a branch does not read, and nothing is left that it could go back to")
        .with("branch", fullname);
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
    const auto words = walk.words();
    const auto walked = co_await run_git(std::move(walk));
    if (!walked) co_return walked.error();
    if (walked->ok()) co_return true;
    if (says_damaged(walked->err)) co_return false;
    co_return git_failed(words, *walked); // it may be there all the same
}

awaitable<result<std::optional<oid>>> mend_branch(repository& repo, std::string branch, known_places places,
                                                  bool thorough)
{
    const std::string fullname = "refs/heads/" + branch;
    const fs::path file = repo.common_dir() / fullname;
    branch_file read = read_branch_file(file);
    if (read.is_symbolic || read.is_closed) co_return std::optional<oid>();
    if (!read.is_there) {
        const bool packed =
            text_of(repo.common_dir() / "packed-refs").find(" " + fullname + "\n") != std::string::npos;
        const bool may_come_back = !packed && places.must_be_there && places.recorded;
        if (!may_come_back) co_return std::optional<oid>();
        const auto whole = co_await is_whole(repo, *places.recorded, places.base);
        if (!whole) co_return whole.error();
        if (!*whole) co_return std::optional<oid>();
    }
    if (read.at) {
        auto fine = thorough ? is_whole(repo, *read.at, places.base) : is_commit(repo, *read.at);
        const auto said = co_await std::move(fine);
        if (!said) co_return said.error();
        if (*said) co_return std::optional<oid>();
    }
    const auto place = co_await best_place(repo, fullname, std::move(places));
    if (!place) co_return place.error();
    auto held = co_await repo.lock().acquire();
    if (!held) co_return held.error();
    // Nothing that git could compare with: the file goes first.
    const branch_file now = read_branch_file(file);
    if (now.at != read.at) co_return std::optional<oid>(); // somebody has put it right meanwhile
    ::unlink(file.c_str());
    auto put = co_await update_ref(repo, fullname, *place, oid(std::string(place->hex().size(), '0')),
                                   "graftline: put back after a restart");
    if (!put) co_return put.error();
    co_return std::optional<oid>(*place);
}

} // namespace graftline::git
