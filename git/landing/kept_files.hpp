/// Copies of files of somebody's checkout that only a filter could write again, while it follows a landing.
#pragma once

#include "graftline/git/commits/staged.hpp"
#include "graftline/git/landing/landing_checkout.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace graftline::git {

/// Git removes a file before it writes the new one, and where the filter fails there is neither. The copies
/// lie in a scratch folder, and go with this.
class kept_files {
public:
    kept_files() = default;
    /// Copies the files which the landing changes or removes and which go through a filter, before the
    /// landing or after it. Costs a few stat calls where the configuration names no filter, else one git
    /// process and the copies. `move` says which landing, for `left_by`. Errors: git's; the system's
    /// (no_space).
    static awaitable<result<kept_files>> keep(landing_checkout where, std::vector<staged_change> landing,
                                              std::string move);
    /// The copies of a process that died in the middle of that landing; none when it left none. Blocks.
    static kept_files left_by(const repository& repo, const std::string& move);

    /// The copies stay when this goes: what they are for could not be done.
    void let_be()
    {
        if (folder_) folder_->let_be();
    }
    /// The copy of a file; nullopt: there is none.
    std::optional<std::filesystem::path> copy_of(const std::string& path) const;
    /// Puts the copy where its file was, in one step, with its mode and time; it is used up then. Errors: the
    /// system's.
    result<void> put_back(const landing_checkout& where, const std::string& path) const;

private:
    std::optional<scratch_folder> folder_;
    std::map<std::string, std::filesystem::path> copies_; ///< by path in the checkout
};

} // namespace graftline::git
