#include "graftline/git/refs/write_ref_direct.hpp"

#include "graftline/git/refs/dead_locks.hpp"
#include "graftline/git/repository/git_settings.hpp"
#include "graftline/git/repository/libgit2.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/process/left_commands.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// Locked by who writes the file, until he has removed it, or is dead.
bool lock_now(const descriptor& file)
{
    struct flock whole{};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    return file && ::fcntl(file.get(), F_OFD_SETLK, &whole) == 0;
}

/// After it there may be more, of a longer note before.
constexpr const char* note_end = "end";
constexpr const char* end_of_git = "end, by git";

fs::path notes_folder(const fs::path& state)
{
    return state / "ref-writes";
}

/// The lock of a dead process of ours holds nothing yet, or what it was to write. Another one is somebody
/// else's.
void drop_lock(const fs::path& lock, const std::string& to)
{
    std::error_code ignored;
    if (!fs::exists(lock, ignored)) return;
    const std::string text = text_of(lock);
    if (text.empty() || text == to + "\n") (void)drop_dead_locks(std::vector<fs::path>(1, lock));
}

/// What of the repository the job on the pool needs.
struct ref_write {
    fs::path common_dir;
    std::shared_ptr<ref_lock_note> note;
    std::string fullname;
    git_oid to;
    git_oid expected;
    std::string message;
    identity who;
};

fault holds_something_else(const std::string& fullname)
{
    return fault(errc::moved, "the ref holds something else by now: " + fullname);
}

/// A plain ref at the expected value, or one that is missing as expected. Nullopt: git has to look at it.
std::optional<result<void>> check(git_repository& repository, const ref_write& wanted)
{
    reference_ptr now;
    const int code = git_reference_lookup(out(now), &repository, wanted.fullname.c_str());
    const bool to_be_made = git_oid_is_zero(&wanted.expected);
    if (code == GIT_ENOTFOUND)
        return to_be_made ? result<void>() : result<void>(holds_something_else(wanted.fullname));
    if (code < 0 || git_reference_type(now.get()) != GIT_REFERENCE_DIRECT) return std::nullopt;
    if (to_be_made || !git_oid_equal(git_reference_target(now.get()), &wanted.expected))
        return result<void>(holds_something_else(wanted.fullname));
    return result<void>();
}

result<bool> write_now(git_repository& repository, const ref_write& wanted)
{
    const auto startable = check(repository, wanted);
    if (!startable) return false;
    if (!*startable) return startable->error();
    if (!wanted.note->write(wanted.fullname + ".lock", to_oid(wanted.to))) return false;
    git_repository_set_ident(&repository, wanted.who.name().c_str(), wanted.who.email().c_str());
    const bool to_be_made = git_oid_is_zero(&wanted.expected);
    reference_ptr made;
    const int code = git_reference_create_matching(
        out(made), &repository, wanted.fullname.c_str(), &wanted.to, to_be_made ? 0 : 1,
        to_be_made ? nullptr : &wanted.expected, wanted.message.c_str());
    wanted.note->clear();
    if (code == GIT_EMODIFIED) return holds_something_else(wanted.fullname);
    return code == 0; // everything else git says in better words
}

/// A packed ref is git's to delete: it rewrites the file of all of them, under a lock that we could not tell
/// from anybody's when we are killed.
bool is_packed(const ref_write& wanted)
{
    return text_of(wanted.common_dir / "packed-refs").find(" " + wanted.fullname + "\n") != std::string::npos;
}

result<bool> delete_now(git_repository& repository, const ref_write& wanted)
{
    if (is_packed(wanted)) return false;
    reference_ptr now;
    const int found = git_reference_lookup(out(now), &repository, wanted.fullname.c_str());
    if (found < 0 || git_reference_type(now.get()) != GIT_REFERENCE_DIRECT) return false;
    if (!git_oid_equal(git_reference_target(now.get()), &wanted.expected))
        return holds_something_else(wanted.fullname);
    if (!wanted.note->write(wanted.fullname + ".lock", to_oid(wanted.to))) return false;
    const int code = git_reference_delete(now.get());
    wanted.note->clear();
    if (code == GIT_EMODIFIED) return holds_something_else(wanted.fullname);
    return code == 0;
}

bool is_plain_name(std::string_view fullname)
{
    for (const std::string_view part : {"refs/heads/", "refs/graftline/"})
        if (fullname.starts_with(part)) return git_reference_is_valid_name(std::string(fullname).c_str());
    return false; // some of the others belong to single worktrees
}

bool is_watched(const git_settings& known)
{
    std::error_code ignored;
    return known.hooks.empty() || fs::exists(known.hooks / "reference-transaction", ignored);
}

} // namespace

ref_lock_note::ref_lock_note(fs::path state_folder) : folder_(notes_folder(state_folder)) {}

ref_lock_note::~ref_lock_note()
{
    if (file_) ::unlink(name_.c_str());
}

bool ref_lock_note::open()
{
    std::error_code ignored; // shows when the file is made
    fs::create_directories(folder_, ignored);
    name_ = (folder_ / "XXXXXX").string();
    file_ = descriptor(::mkostemp(name_.data(), O_CLOEXEC));
    // Locked before it says anything: one that says nothing has nobody's lock.
    if (file_ && !lock_now(file_)) file_.reset();
    return static_cast<bool>(file_);
}

bool ref_lock_note::write(const fs::path& lock, const oid& to, taker who)
{
    const std::string end = who == taker::a_git_of_ours ? end_of_git : note_end;
    return (file_ || open()) && ::lseek(file_.get(), 0, SEEK_SET) == 0 &&
           write_all(file_.get(), lock.string() + "\n" + to.hex() + "\n" + end + "\n");
}

void ref_lock_note::clear()
{
    (void)::pwrite(file_.get(), "\n", 1, 0); // no lock is named any more; cheaper than an empty file
}

namespace {

/// What tells of the locks of refs that this process takes.
std::shared_ptr<ref_lock_note> ref_writes_of(const repository& repo)
{
    return repo.services().use<ref_lock_note>(
        [&] { return std::make_shared<ref_lock_note>(repo.state_folder()); });
}

/// Nullopt when git has to do it.
awaitable<std::optional<ref_write>> prepare(repository& repo, std::string fullname, oid to, oid expected,
                                            std::string reflog_message)
{
    drop_abandoned_ref_locks(repo);
    if (!repo.may_read_directly() || !is_plain_name(fullname)) co_return std::nullopt;
    auto known = co_await known_settings::of(repo).now(repo);
    if (!known || is_watched(**known) || !(*known)->plain_files || !(*known)->plain_reflogs)
        co_return std::nullopt;
    auto new_value = from_oid(to);
    auto old_value = from_oid(expected);
    if (!new_value || !old_value) co_return std::nullopt;
    const identity who = (*known)->committer.value_or(own_identity());
    co_return ref_write{repo.common_dir(),
                        ref_writes_of(repo),
                        std::move(fullname),
                        *new_value,
                        *old_value,
                        std::move(reflog_message),
                        who};
}

/// What else than `moved` goes wrong, git says in better words: it is left to it.
awaitable<result<bool>> carry_out(repository& repo, std::optional<ref_write> wanted,
                                  result<bool> (*job)(git_repository&, const ref_write&))
{
    if (!wanted) co_return false;
    // A ref that is new replaces nothing that could be damaged: whoever promises it flushes it with what it
    // names. One that moves is never half written, unless what it moves to waits for a flush itself.
    const bool may_wait = git_oid_is_zero(&wanted->expected) || repo.is_put_off(wanted->fullname);
    auto on_pool = [wanted = std::move(*wanted), job](git_repository& repository) {
        return job(repository, wanted);
    };
    auto& lane = may_wait ? repo.direct_unflushed() : repo.direct();
    auto done = co_await lane.run(std::move(on_pool));
    if (!done && !done.error().is(errc::moved)) co_return false;
    co_return done;
}

} // namespace

awaitable<result<bool>> write_ref_direct(repository& repo, std::string fullname, oid to, oid expected,
                                         std::string reflog_message)
{
    auto wanted = co_await prepare(repo, std::move(fullname), std::move(to), std::move(expected),
                                   std::move(reflog_message));
    co_return co_await carry_out(repo, std::move(wanted), write_now);
}

awaitable<result<bool>> delete_ref_direct(repository& repo, std::string fullname, oid expected)
{
    auto wanted = co_await prepare(repo, std::move(fullname), expected, expected, {});
    co_return co_await carry_out(repo, std::move(wanted), delete_now);
}

void drop_ref_lock(const repository& repo, const std::string& fullname, const oid& to)
{
    drop_lock(repo.common_dir() / (fullname + ".lock"), to.hex());
}

void drop_abandoned_ref_locks(const repository& repo)
{
    std::error_code failed;
    for (fs::directory_iterator entry(notes_folder(repo.state_folder()), failed), end;
         !failed && entry != end; entry.increment(failed)) {
        const descriptor file(::open(entry->path().c_str(), O_RDWR | O_CLOEXEC));
        if (!lock_now(file)) continue; // its writer lives
        const std::vector<std::string> lines = records_of(text_of(entry->path()), '\n');
        const bool by_git = lines.size() >= 3 && lines[2] == end_of_git;
        // A git closes its lock while a hook has the word: it may live though nobody has the file open.
        if (by_git && commands_of_the_dead_run()) continue;
        if (lines.size() >= 3 && (by_git || lines[2] == note_end) && !lines[0].empty())
            drop_lock(repo.common_dir() / lines[0], lines[1]); // an older note has the whole path
        ::unlink(entry->path().c_str());
    }
}

} // namespace graftline::git
