#include "graftline/git/landing_packs.hpp"

#include "graftline/git/records.hpp"
#include "graftline/git/repository.hpp"
#include "graftline/git/scratch.hpp"
#include "graftline/runtime/descriptor.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view our_reason = "graftline\n";
/// A landing takes seconds, with gates minutes: a keep of ours that is older was left by a crash.
constexpr std::chrono::hours stale_after{24};
constexpr std::size_t most_packs = 20;

fs::path with(const fs::path& pack, const char* extension)
{
    return pack.string() + extension;
}

bool is_there(const fs::path& file)
{
    std::error_code ignored;
    return fs::exists(file, ignored);
}

void drop(const fs::path& file)
{
    std::error_code ignored; // gone already is as good
    fs::remove(file, ignored);
}

/// The index first: a pack without one is not looked at.
void drop_pack(const fs::path& pack)
{
    for (const char* extension : {".idx", ".rev", ".pack"})
        drop(with(pack, extension));
}

/// As long as a name that git gives: `git repack` takes the end of it for a hash.
result<std::string> random_name(std::size_t digits)
{
    std::vector<unsigned char> bytes(digits / 2);
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return system_fault(errno, "there is no randomness");
    std::string name = "pack-";
    for (const unsigned char byte : bytes) {
        name += "0123456789abcdef"[byte >> 4];
        name += "0123456789abcdef"[byte & 15];
    }
    return name;
}

void make_empty(const fs::path& file)
{
    const descriptor made(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
}

void flush_folder(const fs::path& folder)
{
    const descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened) ::fsync(opened.get());
}

struct listed_pack {
    std::string name;
    std::uintmax_t size;
};

/// The listed packs that are still there and that nobody keeps, small ones first. What is gone leaves the
/// list.
std::vector<listed_pack> packs_in(const fs::path& list, const fs::path& folder)
{
    std::vector<listed_pack> packs;
    std::error_code failed;
    for (fs::directory_iterator entry(list, failed), end; !failed && entry != end; entry.increment(failed)) {
        const std::string name = entry->path().filename().string();
        std::error_code gone;
        const auto size = fs::file_size(with(folder / name, ".pack"), gone);
        if (gone)
            drop(entry->path());
        else if (!is_there(with(folder / name, ".keep")))
            packs.push_back({name, size});
    }
    std::ranges::sort(packs, {}, &listed_pack::size);
    return packs;
}

/// Leaves out the large ones, so that each object is copied a number of times that grows with the logarithm
/// of all: a pack that is larger than twice all the smaller ones together stays.
void leave_large_ones(std::vector<listed_pack>& packs)
{
    std::uintmax_t below = 0;
    std::size_t taken = 0;
    while (taken < packs.size() && (taken < 2 || packs[taken].size <= 2 * below))
        below += packs[taken++].size;
    packs.resize(taken);
}

} // namespace

landing_packs::landing_packs(const repository& repo)
    : objects_(repo.common_dir() / "objects"), list_(repo.state_folder() / "packs"),
      digits_(repo.can().oid_digits())
{
}

void landing_packs::drop_stale_keeps() const
{
    std::error_code failed;
    for (fs::directory_iterator entry(objects_ / "pack", failed), end; !failed && entry != end;
         entry.increment(failed)) {
        if (entry->path().extension() != ".keep") continue;
        std::error_code gone;
        const auto written = entry->last_write_time(gone);
        if (!gone && fs::file_time_type::clock::now() - written > stale_after &&
            text_of(entry->path()) == our_reason)
            let_go(entry->path().parent_path() / entry->path().stem());
    }
}

result<fs::path> landing_packs::install(const fs::path& made) const
{
    auto name = random_name(digits_);
    if (!name) return name.error();
    const fs::path place = objects_ / "pack" / *name;
    auto reason = replace_file(with(made, ".keep"), our_reason);
    if (!reason) return reason.error();
    // Kept first, and the index last: a pack is there when its index is.
    for (const char* extension : {".keep", ".pack", ".rev", ".idx"}) {
        if (!is_there(with(made, extension))) continue;
        std::error_code failed;
        fs::rename(with(made, extension), with(place, extension), failed);
        if (!failed) continue;
        drop_pack(place);
        drop(with(place, ".keep"));
        return system_fault(failed.value(), "cannot put a pack into " + place.parent_path().string());
    }
    return place;
}

void landing_packs::let_go(const fs::path& pack) const
{
    std::error_code ignored; // not listed it is a pack like those that git makes
    fs::create_directories(list_, ignored);
    make_empty(list_ / pack.filename());
    drop(with(pack, ".keep"));
}

awaitable<void> landing_packs::combine(repository& repo) const
{
    const fs::path folder = objects_ / "pack";
    // A collection at work decides by what it saw at its beginning; with an index over many packs git has its
    // own way of combining them.
    const auto is_to_stay_away = [&] {
        return is_there(repo.common_dir() / "gc.pid") || is_there(folder / "multi-pack-index");
    };
    std::vector<listed_pack> packs = packs_in(list_, folder);
    if (packs.size() < most_packs || is_to_stay_away()) co_return;
    leave_large_ones(packs);

    auto scratch = scratch_folder::make(repo, "pack");
    if (!scratch) co_return;
    std::string names;
    for (const listed_pack& pack : packs)
        names += pack.name + ".pack\n";
    command combining =
        repo.git("pack-objects", "--stdin-packs", "--non-empty", "-q", (scratch->path() / "pack").string());
    combining.feed(std::move(names));
    auto answer = co_await repository::answer(std::move(combining));
    if (!answer || answer->find('\n') != answer->npos) co_return; // pack.packSizeLimit makes several
    auto combined = install(scratch->path() / ("pack-" + *answer));
    if (!combined) co_return;
    flush_folder(folder); // git has flushed the pack: nothing is deleted before its copy is on the disk
    if (!is_to_stay_away())
        for (const listed_pack& pack : packs) {
            drop_pack(folder / pack.name);
            drop(list_ / pack.name);
        }
    let_go(*combined);
    if (!is_to_stay_away()) co_await repo.ask("prune-packed", "-q");
}

} // namespace graftline::git
