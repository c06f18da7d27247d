#include "graftline/git/repository/scratch.hpp"

#include "graftline/git/repository/repository.hpp"
#include "graftline/runtime/files/small_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>

namespace graftline::git {
namespace fs = std::filesystem;
namespace {

/// None while another process has it, and when it is gone. The lock dies with its process: git, which may
/// outlive us, does not inherit it.
descriptor lock_folder(const fs::path& folder)
{
    descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) fd.reset();
    return fd;
}

fs::path in_state_folder(const repository& repo)
{
    return repo.state_folder() / "scratch";
}

/// Files move from one to the other only where it is the same: not between bind mounts of one disk.
std::optional<std::uint64_t> mount_of(const fs::path& folder)
{
    struct statx found{};
    if (::statx(AT_FDCWD, folder.c_str(), AT_STATX_DONT_SYNC, STATX_MNT_ID, &found) != 0 ||
        !(found.stx_mask & STATX_MNT_ID))
        return std::nullopt;
    return found.stx_mnt_id;
}

} // namespace

fs::path scratch_beside_objects(const repository& repo)
{
    return repo.common_dir() / "objects/graftline";
}

result<scratch_folder> scratch_folder::make(const repository& repo, std::string_view purpose)
{
    return make_in(in_state_folder(repo), purpose);
}

result<scratch_folder> scratch_folder::make_beside_objects(const repository& repo, std::string_view purpose)
{
    const auto objects = mount_of(repo.common_dir() / "objects/pack");
    const bool elsewhere = objects && objects != mount_of(repo.state_folder());
    return make_in(elsewhere ? scratch_beside_objects(repo) : in_state_folder(repo), purpose);
}

result<scratch_folder> scratch_folder::make_in(const fs::path& parent, std::string_view purpose)
{
    std::error_code failed;
    fs::create_directories(parent, failed);
    if (failed) return system_fault(failed.value(), "cannot make " + parent.string());
    for (int tries = 0;; ++tries) {
        std::string name = (parent / purpose).string() + "-XXXXXX";
        if (!::mkdtemp(name.data())) return system_fault(errno, "cannot make a folder in " + parent.string());
        // Who cleans up may have taken it for abandoned before it was locked. Where nothing can be locked, it
        // serves all the same.
        auto lock = lock_folder(name);
        if (lock || (tries == 3 && fs::exists(name, failed)))
            return scratch_folder(fs::path(name), std::move(lock));
        if (tries == 3) return system_fault(ENOENT, "a folder vanished from " + parent.string());
    }
}

std::optional<scratch_folder> scratch_folder::take_over(const fs::path& folder)
{
    auto lock = lock_folder(folder);
    if (!lock) return std::nullopt;
    return scratch_folder(folder, std::move(lock));
}

scratch_folder::~scratch_folder()
{
    std::error_code ignored; // what stays is only a few bytes in our own state folder
    if (!path_.empty()) fs::remove_all(path_, ignored);
}

bool remove_abandoned_scratch(const fs::path& folder, bool keep)
{
    const auto lock = lock_folder(folder);
    if (!lock) return false;
    std::error_code failed;
    if (!keep) fs::remove_all(folder, failed);
    return !failed;
}

result<void> replace_file(const fs::path& file, std::string_view text)
{
    const fs::path fresh = file.string() + ".new-" + std::to_string(::getpid());
    errno = 0;
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.close();
    if (!out || ::rename(fresh.c_str(), file.c_str()) != 0) {
        const int why = errno;
        ::unlink(fresh.c_str());
        return system_fault(why ? why : EIO, "cannot write " + file.string());
    }
    return {};
}

result<void> copy_index_file(const fs::path& from, const fs::path& to)
{
    std::error_code failed;
    const auto time = fs::last_write_time(from, failed); // before its contents: too old is safe
    if (!failed) fs::copy_file(from, to, fs::copy_options::overwrite_existing, failed);
    if (!failed) fs::last_write_time(to, time, failed);
    if (failed) return system_fault(failed.value(), "cannot copy " + from.string());
    return {};
}

result<std::string> text_if_there(const fs::path& file)
{
    auto text = read_small_file(file);
    if (!text) return text.error();
    return std::move(*text).value_or(std::string());
}

std::string text_of(const fs::path& file)
{
    auto text = text_if_there(file);
    return text ? std::move(*text) : std::string();
}

} // namespace graftline::git
