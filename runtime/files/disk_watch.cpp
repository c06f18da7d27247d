#include "graftline/runtime/files/disk_watch.hpp"

#include <linux/magic.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdint>

namespace graftline {
namespace {

using namespace std::chrono_literals;

constexpr auto between_looks = 1s;
constexpr std::uint64_t too_little = std::uint64_t{1} << 20;

} // namespace

bool is_full(const std::filesystem::path& folder)
{
    struct statfs info{};
    if (::statfs(folder.c_str(), &info) != 0 || info.f_blocks == 0) return false;
    // The blocks that ext4 keeps back are root's to use; other file systems keep theirs from root too.
    const bool may_use_all = ::geteuid() == 0 && info.f_type == EXT4_SUPER_MAGIC;
    const auto blocks = static_cast<std::uint64_t>(may_use_all ? info.f_bfree : info.f_bavail);
    const bool no_more_files = info.f_files > 0 && info.f_ffree == 0;
    return no_more_files || blocks * static_cast<std::uint64_t>(info.f_bsize) < too_little;
}

disk_watch::disk_watch(std::vector<std::filesystem::path> folders)
    : folders_(std::move(folders)), next_(std::chrono::steady_clock::now() + between_looks)
{
}

void disk_watch::look()
{
    next_ = std::chrono::steady_clock::now() + between_looks;
    for (const auto& folder : folders_) {
        if (!full_.empty() || !is_full(folder)) continue;
        full_ = folder.string();
    }
    if (!full_.empty()) next_ = moment::max();
}

} // namespace graftline
