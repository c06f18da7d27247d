/// A folder for what one operation needs for a moment.
#pragma once

#include "graftline/runtime/fault.hpp"

#include <filesystem>
#include <string_view>
#include <utility>

namespace graftline::git {

class repository;

/// A fresh folder (0700) below the repository's state folder, never inside a work tree; gone with the object.
class scratch_folder {
public:
    /// `purpose` begins its name. Errors: the system's (no_space when the disk is full).
    static result<scratch_folder> make(const repository& repo, std::string_view purpose);

    scratch_folder(scratch_folder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    scratch_folder& operator=(scratch_folder&&) = delete;
    ~scratch_folder();

    const std::filesystem::path& path() const noexcept { return path_; }

private:
    explicit scratch_folder(std::filesystem::path path) : path_(std::move(path)) {}
    std::filesystem::path path_;
};

/// Puts `text` where `file` is in one step: a reader sees the old text or the new one. Errors: the system's.
result<void> replace_file(const std::filesystem::path& file, std::string_view text);

/// Copies an index of git's with its time. Git takes an entry for unchanged when the file is older than the
/// index: a copy that looked younger than the original would hide the edits of the last second. Errors: the
/// system's.
result<void> copy_index_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// A small file's text; empty when it is not there.
std::string text_of(const std::filesystem::path& file);

} // namespace graftline::git
