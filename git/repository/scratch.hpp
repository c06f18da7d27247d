/// A folder for what one operation needs for a moment.
#pragma once

#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace graftline::git {

class repository;

/// A fresh folder (0700) below the repository's state folder, never inside a work tree; gone with the object.
/// Locked while its process lives, so that what a crash left can be told from what is in use.
class scratch_folder {
public:
    /// `purpose` begins its name. Errors: the system's (no_space when the disk is full).
    static result<scratch_folder> make(const repository& repo, std::string_view purpose);
    /// The same for what becomes git's objects by renaming: where those are on a mount of their own, it lies
    /// among them (git does not look there).
    static result<scratch_folder> make_beside_objects(const repository& repo, std::string_view purpose);

    /// One that a dead process has left; nullopt while its process lives. It goes with the result, unless it
    /// is let be.
    static std::optional<scratch_folder> take_over(const std::filesystem::path& folder);
    /// It stays where it is, for the next attempt.
    void let_be() { path_.clear(); }

    scratch_folder(scratch_folder&& other) noexcept
        : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_))
    {
    }
    scratch_folder& operator=(scratch_folder&&) = delete;
    ~scratch_folder();

    const std::filesystem::path& path() const noexcept { return path_; }

private:
    static result<scratch_folder> make_in(const std::filesystem::path& parent, std::string_view purpose);
    scratch_folder(std::filesystem::path path, descriptor lock)
        : path_(std::move(path)), lock_(std::move(lock))
    {
    }
    std::filesystem::path path_;
    descriptor lock_;
};

/// Where `make_beside_objects` puts folders when git's objects are on another mount.
std::filesystem::path scratch_beside_objects(const repository& repo);

/// Removes a scratch folder whose process is gone, unless `keep`. False: it is in use, or is none.
bool remove_abandoned_scratch(const std::filesystem::path& folder, bool keep);

/// Puts `text` where `file` is in one step: a reader sees the old text or the new one. Errors: the system's.
result<void> replace_file(const std::filesystem::path& file, std::string_view text);

/// Copies an index of git's with its time. Git takes an entry for unchanged when the file is older than the
/// index: a copy that looked younger than the original would hide the edits of the last second. Errors: the
/// system's.
result<void> copy_index_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// A small file's text; empty when it is not there. Errors: the system's, when there is one that cannot be
/// read; corrupt for what is no file: a pipe is not waited for.
result<std::string> text_if_there(const std::filesystem::path& file);

/// The same, empty also when it cannot be read: for what is only a hint.
std::string text_of(const std::filesystem::path& file);

} // namespace graftline::git
