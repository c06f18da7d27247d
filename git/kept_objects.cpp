#include "graftline/git/kept_objects.hpp"

#include "graftline/git/records.hpp"
#include "graftline/git/repository.hpp"
#include "graftline/git/scratch.hpp"

#include <cerrno>
#include <chrono>
#include <cstdio>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view our_reason = "graftline\n";
/// A landing takes seconds: a keep of ours that is older was left by a crash.
constexpr std::chrono::hours stale_after{1};
/// More objects than this stay packed.
constexpr std::size_t few_objects = 1000;

fs::path with(const fs::path& pack, const char* extension)
{
    return pack.string() + extension;
}

void drop(const fs::path& file)
{
    std::error_code ignored; // gone already is as good
    fs::remove(file, ignored);
}

/// Lets go of what a crashed process of ours kept.
void drop_stale_keeps(const fs::path& packs)
{
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(packs, failed)) {
        if (entry.path().extension() != ".keep") continue;
        const auto written = entry.last_write_time(failed);
        if (!failed && fs::file_time_type::clock::now() - written > stale_after &&
            text_of(entry.path()) == our_reason)
            drop(entry.path());
    }
}

/// For GIT_ALTERNATE_OBJECT_DIRECTORIES, which is separated by colons: quoted as C does.
std::string quoted_alternate(const fs::path& folder)
{
    std::string text = "\"";
    for (char c : folder.string()) {
        if (c == '"' || c == '\\') text += '\\';
        text += c;
    }
    return text + "\"";
}

/// Moves the pack `name` from where it was made to where git looks for it; it is kept before git can see it.
result<void> install(const fs::path& made, const fs::path& place)
{
    auto kept = replace_file(with(place, ".keep"), our_reason);
    if (!kept) return kept;
    // The index comes last: a pack is there when its index is.
    for (const char* extension : {".pack", ".rev", ".idx"}) {
        std::error_code failed;
        if (!fs::exists(with(made, extension))) continue;
        fs::rename(with(made, extension), with(place, extension), failed);
        if (failed) {
            drop(with(place, ".pack"));
            drop(with(place, ".keep"));
            return system_fault(failed.value(), "cannot put a pack into " + place.parent_path().string());
        }
    }
    return {};
}

} // namespace

awaitable<result<kept_objects>> kept_objects::keep(repository& repo, std::vector<std::string> wanted,
                                                   std::vector<std::string> known, fs::path source)
{
    kept_objects kept(repo.common_dir() / "objects");
    drop_stale_keeps(kept.objects_ / "pack");
    auto scratch = scratch_folder::make(repo, "pack");
    if (!scratch) co_return scratch.error();

    command pack =
        repo.git("pack-objects", "--revs", "--non-empty", "-q", (scratch->path() / "pack").string());
    if (!source.empty()) pack.set("GIT_ALTERNATE_OBJECT_DIRECTORIES", quoted_alternate(source));
    pack.feed(joined(wanted, '\n') + "--not\n" + joined(known, '\n'));
    auto names = co_await repository::answer(std::move(pack));
    if (!names) co_return names.error();
    for (const std::string& name : records_of(*names, '\n')) {
        const fs::path place = kept.objects_ / "pack" / ("pack-" + name);
        auto installed = install(scratch->path() / ("pack-" + name), place);
        if (!installed) co_return installed.error();
        kept.packs_.push_back(place);
    }
    co_return std::move(kept);
}

kept_objects::~kept_objects()
{
    for (const fs::path& pack : packs_)
        drop(with(pack, ".keep"));
}

awaitable<void> kept_objects::settle(repository& repo)
{
    for (const fs::path& pack : std::exchange(packs_, {})) {
        command listing = repo.git("show-index");
        if (repo.can().sha256) listing.add("--object-format=sha256");
        listing.feed(text_of(with(pack, ".idx")));
        auto lines = co_await repository::answer(std::move(listing));
        bool all_loose = lines.has_value();
        const std::vector<std::string> entries =
            lines ? records_of(*lines, '\n') : std::vector<std::string>();
        all_loose = all_loose && entries.size() <= few_objects;
        for (auto entry = entries.begin(); all_loose && entry != entries.end(); ++entry) {
            // "<offset> <oid> (<crc>)"
            const std::vector<std::string> fields = records_of(*entry, ' ');
            const std::string id = fields.size() > 1 ? fields[1] : "??";
            all_loose = fs::exists(objects_ / id.substr(0, 2) / id.substr(2));
        }
        // A collection that runs may have looked at the refs before ours moved: it could still delete the
        // loose ones.
        if (all_loose && !fs::exists(repo.common_dir() / "gc.pid"))
            for (const char* extension : {".idx", ".rev", ".pack"})
                drop(with(pack, extension));
        drop(with(pack, ".keep"));
    }
}

} // namespace graftline::git
