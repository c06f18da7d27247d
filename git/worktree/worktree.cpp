#include "graftline/git/worktree/worktree.hpp"

#include "graftline/git/repository/git_files.hpp"
#include "graftline/git/repository/patience.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/repository/whole_answer.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/rules/furnished.hpp"
#include "graftline/git/rules/ignore_rules.hpp"
#include "graftline/git/rules/noted_rules.hpp"
#include "graftline/git/rules/survey.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string_view>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// One attribute of `git worktree list --porcelain`.
void apply_attribute(worktree_entry& entry, std::string_view attribute)
{
    const auto space = attribute.find(' ');
    const std::string_view name = attribute.substr(0, space);
    const std::string value(space == attribute.npos ? "" : attribute.substr(space + 1));
    if (name == "worktree") entry.path = value;
    if (name == "bare") entry.bare = true;
    if (name == "detached") entry.detached = true;
    if (name == "prunable") entry.prunable = true;
    if (name == "branch") entry.branch = value;
    if (name == "locked") {
        entry.locked = true;
        entry.lock_reason = value;
    }
    if (name == "HEAD") {
        if (auto head = oid::parse(value); head && !head->is_null()) entry.head = std::move(head);
    }
}

void apply_branch_header(worktree_status& status, const std::string& record)
{
    constexpr std::string_view head = "# branch.head ", distance = "# branch.ab +";
    if (record.starts_with(head) && record != "# branch.head (detached)")
        status.branch = record.substr(head.size());
    if (record.starts_with(distance)) {
        const char* const end = record.data() + record.size();
        const auto [next, failed] = std::from_chars(record.data() + distance.size(), end, status.ahead);
        if (failed == std::errc() && end - next > 2) std::from_chars(next + 2, end, status.behind);
    }
}

worktree_status read_status(std::string_view text)
{
    worktree_status status;
    bool is_origin = false; // a rename's record is followed by the path that it came from
    for (const std::string& record : records_of(text)) {
        if (is_origin) {
            is_origin = false;
        } else if (record.starts_with("# ")) {
            apply_branch_header(status, record);
        } else if (record.starts_with("? ")) {
            ++status.untracked;
        } else {
            ++status.uncommitted;
            is_origin = record.starts_with("2 ");
        }
    }
    return status;
}

/// `path` below `top`; nullopt when it is not inside, or is `top` itself.
std::optional<fs::path> below(const fs::path& path, const fs::path& top)
{
    const fs::path relative = path.lexically_relative(top);
    if (relative.empty() || relative == "." || *relative.begin() == "..") return std::nullopt;
    return relative;
}

/// The place by git's record of it; nullopt for one that git has no record of.
result<std::optional<workplace>> place_at(const repository& repo, const fs::path& path)
{
    auto record = git_dir_of(repo, path);
    if (!record) return record.error();
    if (!*record) return std::optional<workplace>();
    return std::optional<workplace>(std::in_place, std::move(**record), path, true);
}

} // namespace

void complete_worktree_records(const repository& repo)
{
    const auto folders = worktree_git_dirs(repo);
    if (!folders) return;
    for (const fs::path& record : *folders) {
        std::error_code absent;
        if (fs::file_size(record / "commondir", absent) == 0 && !absent)
            std::fstream(record / "commondir", std::ios::in | std::ios::out | std::ios::binary) << "../..\n";
    }
}

awaitable<result<std::vector<worktree_entry>>> list_worktrees(repository& repo)
{
    if (auto safe = check_worktree_records(repo); !safe) co_return safe.error();
    complete_worktree_records(repo);
    const command prepared = repo.git("worktree", "list", "--porcelain", "-z");
    auto listed = co_await run_patiently(prepared);
    if (!listed) co_return listed.error();
    if (!listed->ok()) co_return git_failed(prepared.words(), *listed);
    std::vector<worktree_entry> entries;
    bool open = false;
    for (const std::string& attribute : records_of(listed->out)) {
        if (attribute.empty()) {
            open = false;
            continue;
        }
        if (!open) entries.emplace_back();
        open = true;
        apply_attribute(entries.back(), attribute);
    }
    if (!entries.empty()) entries.front().is_main = true;
    co_return entries;
}

awaitable<result<worktree_status>> status_of(repository& repo, fs::path path, std::optional<oid> base)
{
    std::error_code failed;
    if (!fs::is_directory(path, failed))
        co_return fault(errc::not_found, "there is no worktree at " + path.string());
    if (auto safe = co_await check_git_may_run_in(path); !safe) co_return safe.error();
    auto place = place_at(repo, path);
    if (!place) co_return place.error();
    if (!*place) co_return fault(errc::not_found, "there is no worktree at " + path.string());
    auto held = co_await hold_rules(repo, **place);
    if (!held) co_return held.error();
    auto output =
        co_await whole_answer((*place)->git(repo, {"status", "--porcelain=v2", "-z", "--branch",
                                                   "--untracked-files=all", "--ignore-submodules=none"}));
    if (!output) co_return output.error();
    worktree_status status = read_status(*output);
    if (!(*place)->ignored_by.empty()) {
        const auto others = co_await untracked_in(repo, **place);
        if (!others) co_return others.error();
        status.untracked = static_cast<int>(others->size());
    }
    if (!base) co_return status;
    auto counts =
        co_await repo.ask_in(path, "rev-list", "--left-right", "--count", base->hex() + "...HEAD", "--");
    if (!counts) co_return counts.error();
    const char* const end = counts->data() + counts->size();
    const auto [tab, bad] = std::from_chars(counts->data(), end, status.behind);
    if (bad == std::errc() && tab != end) std::from_chars(tab + 1, end, status.ahead);
    co_return status;
}

awaitable<result<void>> keep_out_of_status(repository& repo, fs::path path)
{
    const fs::path folder = fs::weakly_canonical(fs::absolute(path));
    std::optional<fs::path> inside;
    for (const auto& top : {repo.here(), repo.main_work_tree()})
        if (top && !inside) inside = below(folder, fs::weakly_canonical(*top));
    if (!inside || below(folder, repo.common_dir())) co_return result<void>();
    std::string pattern = exclude_pattern(*inside);
    if (!pattern.ends_with('/')) pattern += '/'; // a folder
    if (pattern.find('\n') != pattern.npos)
        co_return fault(errc::invalid,
                        "a folder with a line break in its name cannot be excluded: " + folder.string());

    auto lease = co_await repo.lock().acquire();
    if (!lease) co_return lease.error();
    const fs::path file = repo.common_dir() / "info" / "exclude";
    const auto there = text_if_there(file);
    if (!there) co_return there.error();
    const std::string& text = *there;
    const std::vector<std::string> lines = records_of(text, '\n');
    if (std::find(lines.begin(), lines.end(), pattern) != lines.end()) co_return result<void>();
    std::error_code failed;
    fs::create_directories(file.parent_path(), failed);
    // Appended in place: the file may be a link to one that the user shares between repositories.
    std::ofstream out(file, std::ios::binary | std::ios::app);
    out << (text.empty() || text.ends_with('\n') ? "" : "\n") + pattern + "\n";
    if (!out.flush()) co_return fault(errc::unusable, "cannot write to " + file.string());
    co_return note_own_exclusion(repo, pattern);
}

} // namespace graftline::git
