#include "graftline/git/landing_packs.hpp"

#include "graftline/git/records.hpp"
#include "graftline/git/repository.hpp"
#include "graftline/git/scratch.hpp"
#include "graftline/runtime/descriptor.hpp"
#include "graftline/runtime/offload.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// "graftline" in hex: git takes the end of a pack's name for a hash.
constexpr std::string_view our_beginning = "pack-67726166746c696e65";
constexpr std::string_view our_reason = "graftline\n";
/// A landing takes seconds, with gates minutes: a keep of ours that is older was left by a crash.
constexpr std::chrono::hours stale_after{24};
constexpr std::size_t many = 20;

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

std::string in_hex(std::span<const unsigned char> bytes)
{
    std::string text;
    for (const unsigned char byte : bytes) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

result<std::string> new_name(std::size_t id_size)
{
    std::vector<unsigned char> bytes(id_size);
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return system_fault(errno, "there is no randomness");
    const std::size_t length = std::string_view("pack-").size() + 2 * id_size;
    return std::string(our_beginning) + in_hex(bytes).substr(0, length - our_beginning.size());
}

void flush_folder(const fs::path& folder)
{
    const descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened) ::fsync(opened.get());
}

/// Packs of ours, without extensions, that nobody keeps; those kept for too long are let go of.
std::vector<fs::path> own_packs(const fs::path& folder)
{
    std::set<fs::path> packs;
    std::set<fs::path> kept;
    std::error_code failed;
    for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end;
         entry.increment(failed)) {
        if (!entry->path().filename().string().starts_with(our_beginning)) continue;
        const fs::path pack = entry->path().parent_path() / entry->path().stem();
        if (entry->path().extension() == ".idx") packs.insert(pack);
        if (entry->path().extension() != ".keep") continue;
        std::error_code gone;
        const auto written = entry->last_write_time(gone);
        if (!gone && fs::file_time_type::clock::now() - written > stale_after)
            drop(entry->path());
        else
            kept.insert(pack);
    }
    for (const fs::path& pack : kept)
        packs.erase(pack);
    return {packs.begin(), packs.end()};
}

/// Leaves out the large ones, so that each object is copied a number of times that grows with the logarithm
/// of all: a pack that is larger than twice all the smaller ones together stays as it is.
void leave_large_ones(std::vector<fs::path>& packs)
{
    std::multimap<std::uintmax_t, fs::path> by_size;
    for (const fs::path& pack : packs) {
        std::error_code gone;
        const auto size = fs::file_size(with(pack, ".pack"), gone);
        if (!gone) by_size.emplace(size, pack);
    }
    packs.clear();
    std::uintmax_t below = 0;
    for (auto& [size, pack] : by_size) {
        if (packs.size() >= 2 && size > 2 * below) break;
        below += size;
        packs.push_back(std::move(pack));
    }
}

/// The ids that a pack's index lists: version 2, a header, 256 counts, then the ids. None when it does not
/// read back.
std::vector<std::string> ids_in(const fs::path& index, std::size_t id_size)
{
    const std::string text = text_of(index);
    constexpr std::size_t counts = 8, ids = counts + 256 * 4;
    if (text.size() < ids || !text.starts_with(std::string_view("\377tOc\0\0\0\2", 8))) return {};
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t total = 0;
    for (std::size_t at = ids - 4; at < ids; ++at)
        total = total << 8 | bytes[at];
    if (text.size() < ids + total * id_size) return {};
    std::vector<std::string> found;
    for (std::size_t at = 0; at < total; ++at)
        found.push_back(in_hex(std::span(bytes + ids + at * id_size, id_size)));
    return found;
}

/// What is to become one pack.
struct combination {
    std::vector<fs::path> packs;
    std::vector<std::string> ids; ///< of all of them
};

combination choose(const fs::path& folder, std::size_t id_size)
{
    combination chosen{own_packs(folder), {}};
    if (chosen.packs.size() < many) return {};
    leave_large_ones(chosen.packs);
    for (const fs::path& pack : chosen.packs) {
        std::vector<std::string> ids = ids_in(with(pack, ".idx"), id_size);
        if (ids.empty()) return {};
        chosen.ids.insert(chosen.ids.end(), ids.begin(), ids.end());
    }
    return chosen;
}

/// A collection at work decides by what it saw at its beginning; with an index over many packs git has its
/// own way of combining them.
bool must_stay_away(const fs::path& common_dir)
{
    return is_there(common_dir / "gc.pid") || is_there(common_dir / "objects/pack/multi-pack-index");
}

} // namespace

landing_packs::landing_packs(const repository& repo)
    : common_dir_(repo.common_dir()), objects_(common_dir_ / "objects"), folder_(objects_ / "pack"),
      id_size_(repo.can().oid_digits() / 2)
{
}

result<fs::path> landing_packs::install(const fs::path& made) const
{
    auto name = new_name(id_size_);
    if (!name) return name.error();
    const fs::path place = folder_ / *name;
    std::ofstream(with(made, ".keep"), std::ios::binary) << our_reason;
    // Kept first, and the index last: a pack is there when its index is.
    for (const char* extension : {".keep", ".pack", ".rev", ".idx"}) {
        std::error_code failed;
        fs::rename(with(made, extension), with(place, extension), failed);
        if (!failed ||
            (failed == std::errc::no_such_file_or_directory && extension == std::string_view(".rev")))
            continue;
        drop(with(place, ".rev"));
        drop(with(place, ".pack"));
        drop(with(place, ".keep"));
        return system_fault(failed.value(), "cannot put a pack into " + folder_.string());
    }
    return place;
}

void landing_packs::let_go(const fs::path& pack)
{
    drop(with(pack, ".keep"));
}

bool landing_packs::are_many() const
{
    return own_packs(folder_).size() >= many;
}

awaitable<void> landing_packs::combine(repository& repo) const
{
    if (must_stay_away(common_dir_)) co_return;
    auto choosing = [folder = folder_, id_size = id_size_] { return choose(folder, id_size); };
    const combination chosen = co_await offload(std::move(choosing));
    if (chosen.ids.empty()) co_return;
    auto scratch = scratch_folder::make(repo, "pack");
    if (!scratch) co_return;
    command packing = repo.git("pack-objects", "-q", (scratch->path() / "pack").string());
    packing.feed(joined(chosen.ids, '\n'));
    auto answer = co_await repository::answer(std::move(packing));
    if (!answer || answer->find('\n') != answer->npos) co_return; // pack.packSizeLimit makes several

    auto replacing = [&, made = scratch->path() / ("pack-" + *answer)] {
        auto combined = install(made);
        if (!combined) return;
        flush_folder(folder_); // git has flushed the pack: nothing is deleted before its copy is on the disk
        if (!must_stay_away(common_dir_)) {
            for (const fs::path& pack : chosen.packs)
                for (const char* extension : {".idx", ".rev", ".pack"}) // without an index it is not seen
                    drop(with(pack, extension));
            for (const std::string& id : chosen.ids)
                drop(objects_ / id.substr(0, 2) / id.substr(2));
        }
        let_go(*combined);
    };
    co_await offload(std::move(replacing));
}

} // namespace graftline::git
