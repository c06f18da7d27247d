/// Who is whose parent.
#pragma once

#include "graftline/git/objects/object_reader.hpp"
#include "graftline/git/repository/raw_id.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace graftline::git {

class repository;

/// What is known of the commits of one repository: parents and time, which never change. A landing asks the
/// same history several times, and a target that many land on grows while they do: each commit is read once.
/// Not for repositories with grafts, replaced objects or a shallow history. All of it blocks while it reads;
/// any thread. Errors: libgit2's, when a commit is missing; invalid, when one is none.
class commit_history {
public:
    /// Makes known a commit that `reader`s of the questions below cannot see. `text`: what git hashes.
    void learn(const git_oid& id, std::string_view text);

    /// The best common ancestors, found as git finds them. One is the answer; of several some may still be
    /// ancestors of others. (The source: paint_down_to_common in git's commit-reach.c, without generations.)
    result<std::vector<git_oid>> merge_bases(object_reader& reader, const git_oid& one, const git_oid& other);

    /// Is `ancestor` the same as `descendant`, or in its history?
    result<bool> contains(object_reader& reader, const git_oid& descendant, const git_oid& ancestor);

    /// What `to` reaches and `from` does not, parents before children. Where clocks were wrong something
    /// that `from` reaches may be in it too.
    result<std::vector<git_oid>> between(object_reader& reader, const git_oid& to, const git_oid& from);

private:
    struct commit {
        std::int64_t time = 0; ///< the committer's, in seconds
        std::vector<git_oid> parents;
        unsigned marks = 0; ///< of the walk that is under way
        bool waits = false; ///< in its queue
    };
    using commit_map = std::unordered_map<git_oid, commit, raw_id_hash, raw_id_equal>;
    class walk;

    static commit parsed(std::string_view text);
    result<commit_map::value_type*> find(object_reader& reader, const git_oid& id);
    void stay_small();

    std::mutex mutex_; ///< one walk at a time
    commit_map known_;
};

/// That of a repository, shared with jobs on the pool. Ask `may_read_directly` first.
std::shared_ptr<commit_history> history_of(const repository& repo);

} // namespace graftline::git
