#include "graftline/git/packs/kept_objects.hpp"

#include "graftline/git/objects/commit_history.hpp"
#include "graftline/git/objects/object_folder.hpp"
#include "graftline/git/packs/pack_direct.hpp"
#include "graftline/git/repository/git_settings.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/files/disk_flush.hpp"

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// Has git pack what `wanted` reaches and `known` does not. `source`: an object folder that it reads besides
/// the repository's. Result: the packs without extensions, several only when `pack.packSizeLimit` is set.
awaitable<result<std::vector<fs::path>>> pack_by_command(repository& repo, std::vector<std::string> wanted,
                                                         std::vector<std::string> known, fs::path source,
                                                         fs::path into)
{
    command pack = repo.git("pack-objects", "--revs", "--non-empty", "-q", (into / "pack").string());
    if (!source.empty())
        pack.set("GIT_ALTERNATE_OBJECT_DIRECTORIES", alternates_text(std::vector<fs::path>(1, source)));
    pack.feed(joined(wanted, '\n') + "--not\n" + joined(known, '\n'));
    auto names = co_await repository::answer(std::move(pack));
    if (!names) co_return names.error();
    std::vector<fs::path> packs;
    for (const std::string& name : records_of(*names, '\n'))
        packs.push_back(into / ("pack-" + name));
    co_return packs;
}

/// Written by our own process.
struct written_pack {
    std::vector<pack_draft> drafts; ///< none when there was nothing to pack
    bool holds_from = false;
};

result<written_pack> pack_directly(const repository& repo, const new_objects& made, const oid& to,
                                   const oid& from, commit_history& history)
{
    auto packed = pack_direct(repo.common_dir() / "objects", made, to, from, history);
    if (!packed) return packed.error();
    written_pack written;
    written.holds_from = packed->holds_from;
    if (packed->pack.is_empty()) return written;
    auto draft = landing_packs::draft(repo, packed->pack);
    if (!draft) return draft.error();
    written.drafts.push_back(std::move(*draft));
    return written;
}

/// libgit2 can read all that is to be packed, and gives files the permissions that git would.
awaitable<bool> may_pack_directly(repository& repo)
{
    if (!repo.may_read_directly()) co_return false;
    auto known = co_await known_settings::of(repo).now(repo);
    co_return known && (*known)->plain_files;
}

} // namespace

awaitable<result<kept_objects>> kept_objects::keep(repository& repo, new_objects made, oid to, oid from)
{
    if (co_await may_pack_directly(repo)) {
        repo.direct(); // libgit2 is ready for the threads of the pool from here on
        kept_objects kept{landing_packs(repo)};
        const auto history = history_of(repo);
        auto job = [&] { return pack_directly(repo, made, to, from, *history); };
        auto packed = co_await offload(std::move(job));
        if (packed) {
            if (packed->holds_from) kept.forward_ = std::pair(from, to);
            auto installed = co_await kept.install(repo, std::move(packed->drafts));
            if (installed) co_return std::move(kept);
        }
    }
    auto written = co_await write_to_folder(repo, made);
    if (!written) co_return written.error();
    const fs::path source = made.folder ? made.folder->path() : fs::path();
    co_return co_await keep(repo, std::vector<std::string>(1, to.hex()),
                            std::vector<std::string>(1, from.hex()), source);
}

awaitable<result<kept_objects>> kept_objects::keep(repository& repo, std::vector<std::string> wanted,
                                                   std::vector<std::string> known, fs::path source)
{
    kept_objects kept{landing_packs(repo)};
    auto scratch = scratch_folder::make_beside_objects(repo, "pack");
    if (!scratch) co_return scratch.error();
    auto packs = co_await pack_by_command(repo, std::move(wanted), std::move(known), std::move(source),
                                          scratch->path());
    if (!packs) co_return packs.error();
    std::vector<pack_draft> drafts;
    for (const fs::path& pack : *packs)
        drafts.push_back(landing_packs::draft(pack));
    auto installed = co_await kept.install(repo, std::move(drafts));
    if (!installed) co_return installed.error();
    co_return std::move(kept);
}

awaitable<result<void>> kept_objects::install(repository& repo, std::vector<pack_draft> made)
{
    if (made.empty()) co_return result<void>();
    if (repo.durable() == durability::power) {
        std::vector<fs::path> files;
        for (const pack_draft& one : made)
            for (fs::path& file : one.files())
                files.push_back(std::move(file));
        auto flushed = co_await flush_files(std::move(files));
        if (!flushed) co_return flushed;
    }
    auto job = [&]() -> result<void> {
        for (pack_draft& one : made) {
            auto place = list_.install(std::move(one));
            if (!place) return place.error();
            packs_.push_back(std::move(*place));
        }
        return {};
    };
    co_return co_await offload(std::move(job));
}

awaitable<result<void>> kept_objects::flush_names(repository& repo) const
{
    if (packs_.empty() || repo.durable() == durability::process) co_return result<void>();
    co_return co_await flush_files(std::vector<fs::path>(1, list_.folder()));
}

void kept_objects::join(kept_objects other)
{
    for (fs::path& pack : std::exchange(other.packs_, {}))
        packs_.push_back(std::move(pack));
}

void kept_objects::let_go()
{
    for (const fs::path& pack : std::exchange(packs_, {}))
        landing_packs::let_go(pack);
}

kept_objects::~kept_objects()
{
    let_go();
}

awaitable<void> kept_objects::settle(repository& repo)
{
    auto job = [this] {
        let_go();
        return list_.are_many();
    };
    if (co_await offload(std::move(job))) co_await list_.combine(repo);
}

} // namespace graftline::git
