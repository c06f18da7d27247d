#include "graftline/cli/program.hpp"
#include "graftline/runtime/files/open_files.hpp"
#include "graftline/runtime/supervisor/supervisor.hpp"

#include <string_view>

int main(int argc, char** argv)
{
    // An agent's supervisor: nothing else of the command may be set up in it.
    if (argc > 1 && std::string_view(argv[1]) == "supervise") return graftline::supervise(argc, argv);
    graftline::allow_more_open_files();
    return graftline::cli::run_program({argv + 1, argv + argc}, GRAFTLINE_VERSION);
}
