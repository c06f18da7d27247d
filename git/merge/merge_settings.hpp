/// What of the configuration bears on merging.
#pragma once

#include "graftline/git/merge/merge_attributes.hpp"
#include "graftline/git/repository/watched_file.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace graftline::git {

class repository;

/// Configuration as git reads it, with its includes, by one git process, and good until one of the files that
/// it comes from changes. What git would do by itself is not read from libgit2, which knows less of it.
class merge_settings {
public:
    /// Errors: command_failed with git's words. Lifetime: borrows `repo`.
    static awaitable<result<std::shared_ptr<const merge_settings>>> load(repository& repo);

    /// A few stat calls: would `load` give the same?
    bool is_current() const;
    /// Git must be asked whatever the trees are: lines are not merged in the usual way, history is not what
    /// objects say.
    bool is_for_git() const noexcept { return for_git_; }
    /// Of the system, the user and the repository.
    const std::vector<merge_attributes>& attributes() const noexcept { return attributes_; }

private:
    void apply(const std::string& key, const std::string& value, const std::filesystem::path& origin);
    void read_attributes(const repository& repo);
    void watch(std::filesystem::path file);

    std::vector<watched_file> watched_;
    std::vector<merge_attributes> attributes_;
    std::string attributes_file_; ///< core.attributesFile, as written
    bool for_git_ = false;
    bool lasting_ = true; ///< what decides is in files that we watch
};

} // namespace graftline::git
