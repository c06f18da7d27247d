#include "graftline/git/packs/missing_indexes.hpp"

#include "graftline/git/packs/landing_packs.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/runtime/async/offload.hpp"

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

bool is_there(fs::path pack, const char* extension)
{
    std::error_code failed;
    return fs::exists(fs::symlink_status(pack.replace_extension(extension), failed));
}

std::vector<fs::path> without_index(const fs::path& folder)
{
    std::vector<fs::path> packs;
    std::error_code failed;
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
        const fs::path& file = at->path();
        if (file.extension() != ".pack" || !landing_packs::is_ours(file)) continue;
        if (!is_there(file, ".idx") && !is_there(file, ".keep")) packs.push_back(file);
    }
    return packs;
}

/// Git looks at all of the pack for it.
awaitable<result<void>> write_index(repository& repo, fs::path pack)
{
    const auto scratch = scratch_folder::make(repo, "index");
    if (!scratch) co_return scratch.error();
    const fs::path made = scratch->path() / "pack.idx";
    auto indexed = co_await repo.ask("index-pack", "-o", made.string(), pack.string());
    if (!indexed) co_return indexed.error();
    fs::path place = pack;
    place.replace_extension(".idx");
    std::error_code failed;
    fs::rename(made, place, failed);
    if (failed) co_return system_fault(failed.value(), "cannot make " + place.string());
    // Its index goes first where a pack is replaced by a larger one: that came in between then.
    if (!fs::exists(pack, failed)) fs::remove(place, failed);
    co_return result<void>();
}

} // namespace

awaitable<std::vector<indexed_pack>> write_missing_indexes(repository& repo)
{
    std::vector<indexed_pack> found;
    const fs::path folder = repo.common_dir() / "objects/pack";
    const auto packs = co_await offload([folder] { return without_index(folder); });
    for (const fs::path& pack : packs) {
        auto done = co_await write_index(repo, pack);
        std::error_code failed;
        if (!done && !fs::exists(pack, failed)) continue;
        found.push_back({pack, std::move(done)});
    }
    co_return found;
}

} // namespace graftline::git
