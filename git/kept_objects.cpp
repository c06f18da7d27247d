#include "graftline/git/kept_objects.hpp"

#include "graftline/git/object_folder.hpp"
#include "graftline/git/pack_direct.hpp"
#include "graftline/git/records.hpp"
#include "graftline/git/repository.hpp"
#include "graftline/git/scratch.hpp"

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// Where a pack lies that was just made, without extension; several only when `pack.packSizeLimit` is set.
using made_packs = std::vector<fs::path>;

/// Has git pack what `wanted` reaches and `known` does not. `source`: an object folder that it reads besides
/// the repository's.
awaitable<result<made_packs>> pack_by_command(repository& repo, std::vector<std::string> wanted,
                                              std::vector<std::string> known, fs::path source, fs::path into)
{
    command pack = repo.git("pack-objects", "--revs", "--non-empty", "-q", (into / "pack").string());
    if (!source.empty())
        pack.set("GIT_ALTERNATE_OBJECT_DIRECTORIES", alternates_text(std::vector<fs::path>(1, source)));
    pack.feed(joined(wanted, '\n') + "--not\n" + joined(known, '\n'));
    auto names = co_await repository::answer(std::move(pack));
    if (!names) co_return names.error();
    made_packs packs;
    for (const std::string& name : records_of(*names, '\n'))
        packs.push_back(into / ("pack-" + name));
    co_return packs;
}

/// The same without a process, where that may be done.
awaitable<result<made_packs>> pack_landing(repository& repo, new_objects made, oid to, oid from,
                                           fs::path into)
{
    if (repo.may_read_directly()) {
        auto packed = co_await pack_direct(repo, made, to, from, into);
        if (packed) co_return packed;
    }
    auto written = co_await write_to_folder(repo, made);
    if (!written) co_return written.error();
    co_return co_await pack_by_command(repo, std::vector<std::string>(1, to.hex()),
                                       std::vector<std::string>(1, from.hex()),
                                       made.folder ? made.folder->path() : fs::path(), std::move(into));
}

} // namespace

awaitable<result<kept_objects>> kept_objects::keep(repository& repo, new_objects made, oid to, oid from)
{
    kept_objects kept{landing_packs(repo)};
    kept.list_.drop_stale_keeps();
    auto scratch = scratch_folder::make(repo, "pack");
    if (!scratch) co_return scratch.error();
    auto packs =
        co_await pack_landing(repo, std::move(made), std::move(to), std::move(from), scratch->path());
    if (!packs) co_return packs.error();
    auto taken = kept.take(*packs);
    if (!taken) co_return taken.error();
    auto flushed = co_await repo.flush_objects();
    if (!flushed) co_return flushed.error();
    co_return std::move(kept);
}

awaitable<result<kept_objects>> kept_objects::keep(repository& repo, std::vector<std::string> wanted,
                                                   std::vector<std::string> known, fs::path source)
{
    kept_objects kept{landing_packs(repo)};
    kept.list_.drop_stale_keeps();
    auto scratch = scratch_folder::make(repo, "pack");
    if (!scratch) co_return scratch.error();
    auto packs = co_await pack_by_command(repo, std::move(wanted), std::move(known), std::move(source),
                                          scratch->path());
    if (!packs) co_return packs.error();
    auto taken = kept.take(*packs);
    if (!taken) co_return taken.error();
    auto flushed = co_await repo.flush_objects();
    if (!flushed) co_return flushed.error();
    co_return std::move(kept);
}

result<void> kept_objects::take(const std::vector<fs::path>& made)
{
    for (const fs::path& pack : made) {
        auto place = list_.install(pack);
        if (!place) return place.error();
        packs_.push_back(std::move(*place));
    }
    return {};
}

void kept_objects::join(kept_objects other)
{
    for (fs::path& pack : std::exchange(other.packs_, {}))
        packs_.push_back(std::move(pack));
}

void kept_objects::let_go()
{
    for (const fs::path& pack : std::exchange(packs_, {}))
        list_.let_go(pack);
}

kept_objects::~kept_objects()
{
    let_go();
}

awaitable<void> kept_objects::settle(repository& repo)
{
    let_go();
    co_await list_.combine(repo);
}

} // namespace graftline::git
