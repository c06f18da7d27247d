#include "graftline/git/packs/landing_packs.hpp"

#include "graftline/git/packs/pack_file.hpp"
#include "graftline/git/packs/pack_index.hpp"
#include "graftline/git/repository/git_settings.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/files/disk_flush.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// "graftline" in hex: git takes the end of a pack's name for a hash.
constexpr std::string_view our_beginning = "pack-67726166746c696e65";
/// What begins so, git takes for rubbish and removes some day.
constexpr std::string_view half_copied = "tmp_";
constexpr std::string_view our_reason = "graftline\n";
/// A landing takes seconds, with gates minutes: a keep of ours that is older was left by a crash.
constexpr std::chrono::hours stale_after{24};
constexpr std::size_t many = 20;
/// Up to here packs are put behind each other; git compresses more than that against each other.
constexpr std::uintmax_t few_bytes = std::uintmax_t{8} << 20;

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

/// The index first: a pack without one is not seen. The reason to keep it last.
void drop_pack(const fs::path& pack)
{
    for (const char* extension : {".idx", ".rev", ".pack", ".keep"})
        drop(with(pack, extension));
}

std::string in_hex(std::string_view bytes)
{
    std::string text;
    for (const char raw : bytes) {
        const auto byte = static_cast<unsigned char>(raw);
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

result<std::string> new_name(std::size_t id_size)
{
    std::string bytes(id_size, '\0');
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return system_fault(errno, "there is no randomness");
    const std::size_t length = std::string_view("pack-").size() + 2 * id_size;
    return std::string(our_beginning) + in_hex(bytes).substr(0, length - our_beginning.size());
}

/// Moves a file to where git finds it. An object folder on another disk gets a copy, under a name that git
/// takes for rubbish until it is whole.
void put(const fs::path& file, const fs::path& place, std::error_code& failed)
{
    fs::rename(file, place, failed);
    if (failed != std::errc::cross_device_link) return;
    const fs::path half = place.parent_path() / (std::string(half_copied) + place.filename().string());
    fs::copy_file(file, half, failed);
    if (!failed && !flush_file(half)) failed = std::make_error_code(std::errc::io_error);
    if (!failed) fs::rename(half, place, failed);
    if (failed) drop(half);
}

/// Whatever keeps the object folder from being written to is nothing that a task has done.
fault not_put(fault why)
{
    if (why.code() != std::errc::permission_denied && why.code() != std::errc::operation_not_permitted)
        return why;
    return fault(errc::unusable, why.message());
}

bool is_old(std::time_t time)
{
    return std::chrono::system_clock::now() - std::chrono::system_clock::from_time_t(time) > stale_after;
}

/// A crash came while a pack was copied to another disk.
bool is_stale_copy(const fs::path& file)
{
    struct stat info{};
    return file.filename().string().starts_with(std::string(half_copied) + std::string(our_beginning)) &&
           ::stat(file.c_str(), &info) == 0 && is_old(info.st_mtime);
}

/// Was it left by a crash? A keep's own time says nothing, it is one file under many names; but when one of
/// its names came or went does.
bool is_stale(const fs::path& pack, bool has_pack)
{
    struct stat info{};
    if (::stat(with(pack, has_pack ? ".pack" : ".keep").c_str(), &info) != 0) return false;
    return is_old(has_pack ? info.st_mtime : info.st_ctime);
}

/// Packs of ours, without extensions, that nobody keeps. What a crash left is let go of on the way, or
/// removed where it is no whole pack.
std::vector<fs::path> own_packs(const fs::path& folder)
{
    std::map<fs::path, std::set<fs::path>> packs; // with their extensions
    std::error_code failed;
    for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed))
        if (landing_packs::is_ours(entry->path()))
            packs[entry->path().parent_path() / entry->path().stem()].insert(entry->path().extension());
        else if (is_stale_copy(entry->path()))
            drop(entry->path());
    std::vector<fs::path> whole;
    for (const auto& [pack, extensions] : packs) {
        const bool complete = extensions.contains(".idx");
        if (complete && !extensions.contains(".keep")) {
            whole.push_back(pack);
            continue;
        }
        if (!is_stale(pack, extensions.contains(".pack"))) continue;
        if (complete)
            drop(with(pack, ".keep"));
        else
            drop_pack(pack);
    }
    return whole;
}

/// What is to become one pack.
struct combination {
    std::vector<fs::path> packs;
    std::uintmax_t bytes = 0;
};

/// Leaves out the large ones, so that each object is copied a number of times that grows with the logarithm
/// of all: a pack that is larger than twice all the smaller ones together stays as it is.
combination choose(const fs::path& folder)
{
    const std::vector<fs::path> packs = own_packs(folder);
    combination chosen;
    if (packs.size() < many) return chosen;
    std::multimap<std::uintmax_t, fs::path> by_size;
    for (const fs::path& pack : packs) {
        std::error_code gone;
        const auto size = fs::file_size(with(pack, ".pack"), gone);
        if (!gone) by_size.emplace(size, pack);
    }
    for (auto& [size, pack] : by_size) {
        if (chosen.packs.size() >= 2 && size > 2 * chosen.bytes) break;
        chosen.bytes += size;
        chosen.packs.push_back(std::move(pack));
    }
    return chosen;
}

/// Puts them behind each other. None: git has to do it.
std::optional<pack_file> joined_packs(const combination& chosen)
{
    if (chosen.bytes > few_bytes) return std::nullopt;
    pack_file all;
    for (const fs::path& pack : chosen.packs)
        if (!all.add_all_of(pack)) return std::nullopt;
    return all;
}

/// The ids of all their objects, a line each. Empty when they cannot be read.
std::string ids_in(const combination& chosen, std::size_t id_size)
{
    std::string lines;
    for (const fs::path& pack : chosen.packs) {
        auto entries = read_pack_index(with(pack, ".idx"), id_size);
        if (!entries) return {};
        for (const packed_entry& one : *entries)
            lines += in_hex(one.id) + "\n";
    }
    return lines;
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

/// A place for a pack, kept already.
result<fs::path> landing_packs::begin() const
{
    auto name = new_name(id_size_);
    if (!name) return name.error();
    fs::path place = folder_ / *name;
    const fs::path keep = with(place, ".keep");
    // Another name for a file costs less than another file.
    const fs::path one_for_all = common_dir_ / "graftline/keep";
    if (::link(one_for_all.c_str(), keep.c_str()) == 0) return place;
    const descriptor made(::open(keep.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
    if (!made || !write_all(made.get(), our_reason)) {
        const int why = errno;
        drop_pack(place);
        return not_put(system_fault(why, "cannot put a pack into " + folder_.string()));
    }
    (void)::link(keep.c_str(), one_for_all.c_str()); // for the next one; not where that is another disk
    return place;
}

result<pack_draft> landing_packs::draft(const repository& repo, pack_file& pack)
{
    auto home = scratch_folder::make_beside_objects(repo, "pack");
    if (!home) return not_put(home.error());
    pack_draft made(std::move(*home));
    if (auto written = pack.write(made.pack_, made.index_); !written) return not_put(written.error());
    return made;
}

pack_draft landing_packs::draft(const fs::path& made)
{
    return {with(made, ".pack"), with(made, ".idx"), with(made, ".rev")};
}

pack_draft::~pack_draft()
{
    for (const fs::path& file : {pack_, index_, reverse_})
        if (!file.empty()) drop(file);
}

result<fs::path> landing_packs::install(pack_draft made) const
{
    auto place = begin();
    if (!place) return place;
    // The index last: a pack is there when its index is.
    const std::pair<const fs::path&, const char*> files[] = {
        {made.pack_, ".pack"}, {made.reverse_, ".rev"}, {made.index_, ".idx"}};
    for (const auto& [file, extension] : files) {
        if (file.empty()) continue;
        std::error_code failed;
        put(file, with(*place, extension), failed);
        const bool may_lack = extension == std::string_view(".rev");
        if (!failed || (may_lack && failed == std::errc::no_such_file_or_directory)) continue;
        drop_pack(*place);
        return not_put(system_fault(failed.value(), "cannot put a pack into " + folder_.string()));
    }
    return place;
}

/// For what replaces packs that go: half of it must never have a name.
result<fs::path> landing_packs::install_flushed(pack_draft made) const
{
    for (const fs::path& file : made.files())
        if (auto flushed = flush_file(file); !flushed) return flushed.error();
    return install(std::move(made));
}

bool landing_packs::is_ours(const fs::path& file)
{
    return file.filename().string().starts_with(our_beginning);
}

void landing_packs::let_go(const fs::path& pack)
{
    drop(with(pack, ".keep"));
}

bool landing_packs::are_many() const
{
    return own_packs(folder_).size() >= many;
}

/// `combined` holds all that they hold, and is kept.
void landing_packs::replace(const std::vector<fs::path>& packs, const fs::path& combined) const
{
    // Nothing is deleted before its copy is on the disk.
    const bool on_disk = static_cast<bool>(flush_file(folder_));
    if (on_disk && !must_stay_away(common_dir_)) {
        for (const fs::path& pack : packs)
            drop_pack(pack);
        if (auto entries = read_pack_index(with(combined, ".idx"), id_size_))
            for (const packed_entry& one : *entries) {
                const std::string id = in_hex(one.id);
                drop(objects_ / id.substr(0, 2) / id.substr(2)); // a loose copy
            }
    }
    let_go(combined);
}

awaitable<void> landing_packs::combine(repository& repo) const
{
    if (must_stay_away(common_dir_)) co_return;
    const auto known = co_await known_settings::of(repo).now(repo);
    const bool may_join = id_size_ == GIT_OID_RAWSZ && known && (*known)->plain_files;
    combination left_to_git;
    std::string ids;
    auto joining = [&] {
        combination chosen = choose(folder_);
        if (chosen.packs.empty()) return;
        auto joined = may_join ? joined_packs(chosen) : std::nullopt;
        if (!joined) {
            ids = ids_in(chosen, id_size_);
            left_to_git = std::move(chosen);
        } else if (auto made = draft(repo, *joined)) {
            if (auto place = install_flushed(std::move(*made))) replace(chosen.packs, *place);
        }
    };
    co_await offload(std::move(joining));
    if (ids.empty()) co_return;

    auto scratch = scratch_folder::make_beside_objects(repo, "pack");
    if (!scratch) co_return;
    // Each commit changes the same folders: what they have in common compresses well, and lies close by.
    command packing = repo.git("pack-objects", "-q", "--window=4", (scratch->path() / "pack").string());
    packing.feed(std::move(ids));
    auto answer = co_await repository::answer(std::move(packing));
    if (!answer || answer->find('\n') != answer->npos) co_return; // pack.packSizeLimit makes several
    auto replacing = [&, made = scratch->path() / ("pack-" + *answer)] {
        if (auto place = install_flushed(draft(made))) replace(left_to_git.packs, *place);
    };
    co_await offload(std::move(replacing));
}

} // namespace graftline::git
