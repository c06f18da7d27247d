#include "graftline/runtime/process/disk_session.hpp"

#include "graftline/runtime/process/process_tree.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace graftline {

std::string disk_session_of(const std::filesystem::path& folder)
{
    // Since Linux 6.8: a number that no other mount gets in this boot. Before, numbers come back.
    constexpr unsigned unique_mount = 0x4000;
    struct statx info{};
    const bool told = ::statx(AT_FDCWD, folder.c_str(), 0, unique_mount | STATX_MNT_ID, &info) == 0;
    return boot_id() + " " + (told ? std::to_string(info.stx_mnt_id) : "none");
}

} // namespace graftline
