/// What lies in a pipe.
#pragma once

#include <string>

namespace graftline {

/// Takes what the pipe holds at this moment, without waiting for more. Its writer may go on for ever.
std::string held_by_pipe(int fd);

} // namespace graftline
