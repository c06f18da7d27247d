/// Real repositories in temporary folders, out of reach of the user's configuration.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace graftline::test {

/// From now on this process and its children see no configuration of the user or the system, no repository by
/// GIT_DIR, and an identity of the tests' own. Safe to call again.
void isolate_git();

/// A temporary folder that is deleted with this object. The name is real: no symbolic links in it.
class temporary_folder {
public:
    temporary_folder();
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder();
    const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

struct git_answer {
    bool ok;
    std::string out; ///< without the last line's end
    std::string err;
};

/// Runs git in `folder` and waits for it.
git_answer try_git(const std::filesystem::path& folder, std::vector<std::string> words);

void write_file(const std::filesystem::path& path, std::string_view text);
std::string read_file(const std::filesystem::path& path);

/// A repository `repo` in a temporary folder, on branch `main`; worktrees may go beside it.
class test_repository {
public:
    /// `init`: further words for `git init` ("--bare", "--object-format=sha256").
    explicit test_repository(std::vector<std::string> init = {});

    const std::filesystem::path& root() const noexcept { return folder_.path(); } ///< the temporary folder
    std::filesystem::path top() const { return root() / "repo"; }
    std::filesystem::path git_folder() const; ///< what all worktrees share

    /// Runs git at the top and gives its output; throws with git's words when it fails.
    template <class... W> std::string git(W&&... words) const
    {
        return must(top(), std::vector<std::string>{std::string(std::forward<W>(words))...});
    }
    template <class... W> std::string git_in(const std::filesystem::path& folder, W&&... words) const
    {
        return must(folder, std::vector<std::string>{std::string(std::forward<W>(words))...});
    }

    void write(const std::filesystem::path& name, std::string_view text) const
    {
        write_file(top() / name, text);
    }
    std::string read(const std::filesystem::path& name) const { return read_file(top() / name); }
    /// Commits all that lies in the work tree; gives the commit's id.
    std::string commit(const std::string& message) const;
    /// Writes one file and commits.
    std::string commit_file(const std::filesystem::path& name, std::string_view text) const;

private:
    static std::string must(const std::filesystem::path& folder, std::vector<std::string> words);

    temporary_folder folder_;
};

} // namespace graftline::test
