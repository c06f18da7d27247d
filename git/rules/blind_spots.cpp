#include "graftline/git/rules/blind_spots.hpp"

#include "graftline/git/repository/libgit2.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"

#include <cctype>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

using index_ptr = owned<git_index, git_index_free>;
using prepared_git = std::function<command(std::vector<std::string>)>;

bool lies_there(const fs::path& path)
{
    std::error_code ignored;
    return fs::exists(fs::symlink_status(path, ignored));
}

awaitable<result<void>> set_flags(const prepared_git& git, const char* option, std::vector<std::string> paths)
{
    if (paths.empty()) co_return result<void>();
    command update = git({"update-index", "-z", option, "--stdin"});
    update.feed(joined(paths));
    auto done = co_await repository::answer(std::move(update));
    if (!done) co_return done.error();
    co_return result<void>();
}

} // namespace

bool has_blind_spots(const fs::path& index_file)
{
    index_ptr index;
    // What libgit2 cannot read, such as a split or a sparse index, is out of the ordinary.
    if (git_index_open(out(index), index_file.c_str()) < 0) return true;
    for (std::size_t at = 0; at < git_index_entrycount(index.get()); ++at) {
        const git_index_entry& entry = *git_index_get_byindex(index.get(), at);
        if (entry.mode == GIT_FILEMODE_COMMIT || (entry.flags & GIT_INDEX_ENTRY_VALID) != 0 ||
            (entry.flags_extended & (GIT_INDEX_ENTRY_SKIP_WORKTREE | GIT_INDEX_ENTRY_INTENT_TO_ADD)) != 0)
            return true;
    }
    return false;
}

awaitable<result<void>> clear_blind_spots(const prepared_git& git, fs::path top)
{
    auto listing = co_await repository::answer(git({"ls-files", "-v", "-z"}));
    if (!listing) co_return listing.error();
    std::vector<std::string> assumed;
    std::vector<std::string> skipped;
    for (const std::string& record : records_of(*listing)) { // "H path", small when assumed unchanged
        if (record.size() < 3) continue;
        const std::string path = record.substr(2);
        const auto tag = static_cast<unsigned char>(record[0]);
        if (std::islower(tag)) assumed.push_back(path);
        if (std::toupper(tag) == 'S' && lies_there(top / path)) skipped.push_back(path);
    }
    auto cleared = co_await set_flags(git, "--no-assume-unchanged", std::move(assumed));
    if (!cleared) co_return cleared;
    co_return co_await set_flags(git, "--no-skip-worktree", std::move(skipped));
}

} // namespace graftline::git
