#include "graftline/git/landing/kept_files.hpp"

#include "graftline/git/repository/git_settings.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/runtime/async/offload.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

bool is_attributes_file(const std::string& path)
{
    return fs::path(path).filename() == ".gitattributes";
}

awaitable<result<bool>> names_a_filter(landing_checkout where)
{
    const auto known = co_await known_settings::of(where.of()).now(where.of());
    if (!known) co_return known.error();
    const rule_settings& rules = (*known)->rules;
    co_return rules.may_differ_by_worktree ||
        std::ranges::any_of(rules.values, [](const auto& each) { return each.first.starts_with("filter."); });
}

/// Those of `paths` that the attributes send through a filter.
awaitable<result<std::vector<std::string>>> filtered_among(landing_checkout where,
                                                           std::vector<std::string> paths)
{
    command asking = where.git({"check-attr", "-z", "--stdin", "filter"});
    asking.feed(joined(paths));
    const auto answers = co_await repository::answer(std::move(asking));
    if (!answers) co_return answers.error();
    std::vector<std::string> filtered;
    const auto records = records_of(*answers); // path, "filter", its name
    for (std::size_t at = 0; at + 2 < records.size(); at += 3)
        if (records[at + 2] != "unspecified" && records[at + 2] != "unset") filtered.push_back(records[at]);
    co_return filtered;
}

/// With its mode and its time.
result<void> copy_whole(const fs::path& from, const fs::path& to)
{
    std::error_code failed;
    fs::copy_file(from, to, failed);
    struct stat about{};
    if (failed) return system_fault(failed.value(), "cannot copy " + from.string());
    if (::stat(from.c_str(), &about) != 0) return system_fault(errno, "cannot look at " + from.string());
    const timespec times[]{about.st_atim, about.st_mtim};
    if (::chmod(to.c_str(), about.st_mode & 07777) != 0 || ::utimensat(AT_FDCWD, to.c_str(), times, 0) != 0)
        return system_fault(errno, "cannot copy " + from.string());
    return {};
}

/// What the copies are of, for who finds them. The last to be written: without it they are not whole.
constexpr const char* list_name = "list";

result<void> write_list(const scratch_folder& folder, const std::string& move,
                        const std::map<std::string, fs::path>& copies)
{
    std::vector<std::string> records{move};
    for (const auto& [path, copy] : copies)
        records.insert(records.end(), {path, copy.filename().string()});
    return replace_file(folder.path() / list_name, joined(records));
}

} // namespace

kept_files kept_files::left_by(const repository& repo, const std::string& move)
{
    kept_files found;
    std::error_code failed;
    for (fs::directory_iterator at(repo.state_folder() / "scratch", failed), end; !failed && at != end;
         at.increment(failed)) {
        if (!at->path().filename().string().starts_with("kept-")) continue;
        const auto records = records_of(text_of(at->path() / list_name));
        if (records.empty() || records.front() != move) continue;
        auto folder = scratch_folder::take_over(at->path());
        if (!folder) continue; // its process lives
        for (std::size_t i = 1; i + 1 < records.size(); i += 2)
            if (const fs::path copy = at->path() / records[i + 1]; fs::exists(copy))
                found.copies_.emplace(records[i], copy);
        found.folder_.emplace(std::move(*folder));
        break;
    }
    return found;
}

awaitable<result<kept_files>> kept_files::keep(landing_checkout where, std::vector<staged_change> landing,
                                               std::string move)
{
    kept_files kept;
    std::vector<std::string> paths;
    for (const staged_change& change : landing)
        if (change.was_there()) paths.push_back(change.path);
    if (paths.empty()) co_return kept;
    const auto filters = co_await names_a_filter(where);
    if (!filters) co_return filters.error();
    if (!*filters) co_return kept;
    // Where the landing changes the attributes, any file may go through a filter after it.
    const bool same_attributes =
        std::ranges::none_of(landing, [](const auto& each) { return is_attributes_file(each.path); });
    if (same_attributes) {
        auto filtered = co_await filtered_among(where, std::move(paths));
        if (!filtered) co_return filtered.error();
        paths = std::move(*filtered);
    }
    if (paths.empty()) co_return kept;
    auto folder = scratch_folder::make(where.of(), "kept");
    if (!folder) co_return folder.error();
    kept.folder_.emplace(std::move(*folder));
    auto copying = [&]() -> result<void> {
        for (const std::string& path : paths) {
            const fs::path file = where.work_tree() / path;
            std::error_code ignored;
            if (!fs::is_regular_file(fs::symlink_status(file, ignored))) continue;
            const fs::path copy = kept.folder_->path() / std::to_string(kept.copies_.size());
            if (auto copied = copy_whole(file, copy); !copied) return copied;
            kept.copies_.emplace(path, copy);
        }
        return write_list(*kept.folder_, move, kept.copies_);
    };
    if (auto copied = co_await offload(std::move(copying)); !copied) co_return copied.error();
    co_return kept;
}

std::optional<fs::path> kept_files::copy_of(const std::string& path) const
{
    const auto found = copies_.find(path);
    return found == copies_.end() ? std::nullopt : std::optional(found->second);
}

result<void> kept_files::put_back(const landing_checkout& where, const std::string& path) const
{
    const fs::path file = where.work_tree() / path;
    std::error_code failed;
    fs::create_directories(file.parent_path(), failed);
    const fs::path& copy = copies_.at(path);
    if (std::rename(copy.c_str(), file.c_str()) == 0) return {};
    if (errno != EXDEV) return system_fault(errno, "cannot put back " + file.string());
    // The checkout lies on another disk than our state.
    const fs::path beside = file.string() + ".graftline-" + std::to_string(::getpid());
    if (auto copied = copy_whole(copy, beside); !copied) return copied;
    if (std::rename(beside.c_str(), file.c_str()) == 0) return {};
    const int why = errno;
    fs::remove(beside, failed);
    return system_fault(why, "cannot put back " + file.string());
}

} // namespace graftline::git
