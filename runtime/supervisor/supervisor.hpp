/// The supervisor: the small process that an agent runs under, and that outlives us.
#pragma once

namespace graftline {

/// The main function of a supervisor. What to run comes as JSON on standard input, so that nothing secret is
/// in the process list; whether it was taken on goes as one line of JSON to standard output; the environment
/// is the agent's. Returns the exit status of the process. Threads: the process has one, and must not have
/// begun anything else.
int supervise(int argc, char** argv);

} // namespace graftline
