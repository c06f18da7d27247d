#include "graftline/effects/db/opening_turn.hpp"

#include "graftline/git/repository/state_folder.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <fcntl.h>

#include <cerrno>

namespace graftline::effects {
namespace {

std::filesystem::path private_folder(const std::filesystem::path& folder)
{
    if (!git::make_state_folder(folder))
        throw fault_error(system_fault(errno, "the folder for graftline's state could not be made")
                              .with("folder", folder.string())
                              .advise("graftline needs to write into the git directory."));
    return folder;
}

} // namespace

opening_turn::opening_turn(const std::filesystem::path& folder)
    : file_(::open((private_folder(folder) / "state.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600))
{
    struct flock whole{};
    whole.l_type = F_WRLCK;
    while (file_ && ::fcntl(file_.get(), F_OFD_SETLKW, &whole) != 0 && errno == EINTR) {
    }
}

} // namespace graftline::effects
