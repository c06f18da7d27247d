#include "graftline/git/repository/capability.hpp"

#include "graftline/git/repository/patience.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"

#include <charconv>
#include <map>
#include <string_view>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path)
{
    std::error_code ignored;
    return fs::exists(path, ignored);
}

bool has_entries(const fs::path& folder)
{
    std::error_code failed;
    const fs::directory_iterator entries(folder, failed);
    return !failed && entries != fs::directory_iterator();
}

/// The output of `git config -z --get-regexp`: key, newline, value, NUL; a key without a value means true.
std::multimap<std::string, std::string> read_settings(std::string_view text)
{
    std::multimap<std::string, std::string> settings;
    while (!text.empty()) {
        const auto end = text.find('\0');
        const std::string_view entry = text.substr(0, end);
        const auto line = entry.find('\n');
        settings.emplace(entry.substr(0, line), line == entry.npos ? "true" : entry.substr(line + 1));
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
    return settings;
}

/// Replace refs that were packed have no file of their own.
bool has_packed_replacements(const fs::path& common_dir)
{
    return text_of(common_dir / "packed-refs").find(" refs/replace/") != std::string::npos;
}

bool is_true(std::string_view value)
{
    return value == "true" || value == "yes" || value == "on" || value == "1" || value == "True" ||
           value == "TRUE";
}

void apply_extension(capability& can, std::string_view name, const std::string& value)
{
    if (name == "objectformat") {
        can.sha256 = value == "sha256";
    } else if (name == "refstorage") {
        can.reftable = value == "reftable";
    } else if (name == "worktreeconfig") {
        can.worktree_config = is_true(value);
    } else if (name == "partialclone") {
        can.partial = true;
    } else if (name != "noop" && name != "noop-v1" && name != "preciousobjects") {
        can.unknown_extension = true;
    }
}

void apply_setting(capability& can, std::string_view key, const std::string& value)
{
    if (key.starts_with("extensions.")) return apply_extension(can, key.substr(11), value);
    if (key == "core.bare") can.bare = is_true(value);
    if (key == "core.sparsecheckout") can.sparse = is_true(value);
    if (key == "core.worktree") can.work_tree = value;
    if (key == "core.hookspath") can.hooks_path = value;
    if (key.starts_with("filter.")) can.filters = true;
    if (key.starts_with("remote.") && key.ends_with(".promisor")) can.partial = can.partial || is_true(value);
}

} // namespace

std::string git_version::text() const
{
    return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

result<git_version> parse_git_version(std::string_view text)
{
    git_version version;
    int* const parts[] = {&version.major, &version.minor, &version.patch};
    const auto start = text.find_first_of("0123456789");
    if (start != text.npos) {
        const char* at = text.data() + start;
        const char* const end = text.data() + text.size();
        for (int read = 0; read < 3; ++read) {
            const auto [next, failed] = std::from_chars(at, end, *parts[read]);
            if (failed != std::errc()) break;
            at = next;
            if (read == 2 || at == end || *at != '.') {
                if (read > 0) return version;
                break;
            }
            ++at;
        }
        if (version.major > 0 && version.minor > 0) return version; // "2.48.GIT", "2.39.rc1"
    }
    return fault(errc::unusable, "git does not say which version it is").with("output", std::string(text));
}

bool has_become_indirect(const fs::path& common_dir)
{
    return is_there(common_dir / "shallow") || is_there(common_dir / "info" / "grafts") ||
           has_entries(common_dir / "refs" / "replace");
}

awaitable<result<capability>> find_capability(const repository& repo, git_version version)
{
    capability can;
    can.git = version;
    // The configuration that all worktrees share, with the main worktree's own.
    command settings = repo.git("--git-dir=" + repo.common_dir().string(), "config", "-z", "--get-regexp",
                                "^(extensions\\..*|core\\.(bare|worktree|sparsecheckout|hookspath)|filter\\.."
                                "*|remote\\..*\\.promisor)$");
    auto output = co_await run_git(settings);
    if (!output) co_return output.error();
    if (!output->ok() && output->status != exit_status(exited{1})) // 1: none of them is set
        co_return git_failed(settings.words(), *output);
    for (const auto& [key, value] : read_settings(output->out))
        apply_setting(can, key, value);

    const fs::path& common = repo.common_dir();
    if (can.hooks_path.empty()) can.hooks_path = (common / "hooks").string();
    can.shallow = is_there(common / "shallow");
    can.submodules = is_there(common / "modules");
    if (const auto& top = repo.here(); top && is_there(*top / ".gitmodules")) can.submodules = true;
    can.lfs = is_there(common / "lfs");
    can.replaced = !can.shallow && (has_become_indirect(common) || has_packed_replacements(common));
    co_return can;
}

} // namespace graftline::git
