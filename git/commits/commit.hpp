/// Commits: of what lies in a worktree, of a tree that was made without one, and what lies between two of
/// them.
#pragma once

#include "graftline/git/repository/identity.hpp"
#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace graftline::git {

class repository;

/// What `commit_everything` is to write.
class commit_request {
public:
    /// Without `who` it is whoever git says the user is, and nobody else when git does not know one.
    explicit commit_request(std::string message, std::optional<identity> who = {})
        : message_(std::move(message)), who_(std::move(who))
    {
    }
    const std::string& message() const noexcept { return message_; }
    const std::optional<identity>& who() const noexcept { return who_; }

private:
    std::string message_;
    std::optional<identity> who_;
};

/// Commits all that lies in a worktree: changes, new files and deletions; ignored files stay out. Hooks run
/// and commits are signed as the user configured it. The checkout must have been recorded as finished: in a
/// worktree whose files are still missing this would commit the deletion of all of them; a worktree whose
/// index was never written is refused (errc::refused). Result: the new commit, or nullopt when there was
/// nothing to commit. Errors: command_failed with the words of the hook, of the signing program or of git
/// about a missing identity (what was to be committed then lies in the index, nothing is lost); refused for a
/// nested repository that .gitmodules does not name, and for what git cannot read and would leave out (the
/// index is left as it was); refused while a merge or a rebase is under way in the worktree, or something
/// lies there that git would wait for; refused where the rules of when the worktree was made cannot be given
/// to git, and where a filter makes nothing of a file with contents. What is ignored and converted is decided
/// by those rules. Edits that flags in the index hide are committed; folders and files that their owner may
/// not read are made readable first. Cancellation: git is ended and reaped, then operation_aborted; the
/// worktree's files are untouched. Lifetime: borrows `repo` until completion.
awaitable<result<std::optional<oid>>> commit_everything(repository& repo, std::filesystem::path worktree,
                                                        commit_request request);

/// The paths in which two commits (or trees) differ, sorted; a rename is two paths.
awaitable<result<std::vector<std::string>>> changed_paths(repository& repo, oid from, oid to);

/// One commit, as `commits_between` lists it.
struct commit_info {
    oid id;
    std::vector<oid> parents;
    std::string author_name;
    std::string author_email;
    std::string authored_at; ///< ISO 8601 with the author's own offset
    std::string subject;
    std::string body; ///< without the subject, trailing newlines removed
};

/// The commits that `to` reaches and `from` does not, newest first.
awaitable<result<std::vector<commit_info>>> commits_between(repository& repo, oid from, oid to);

/// A commit message in conventional form: `type(scope): subject`, a blank line, the trailers `Task:` (always)
/// and `Description:` (`N/A` when empty), then `trailers`, each a whole line such as `Co-Authored-By: A
/// <a@b.c>`, below a blank line. A type or scope that is empty is left out. A subject or description of
/// several lines becomes one line.
std::string conventional_message(std::string type, std::string scope, std::string subject,
                                 std::string description, std::string task_id,
                                 std::vector<std::string> trailers);

} // namespace graftline::git
