#include "tests/support/built.hpp"

namespace graftline::test {

std::string built_program()
{
    return GRAFTLINE_PROGRAM;
}

std::filesystem::path examples_folder()
{
    return GRAFTLINE_EXAMPLES;
}

} // namespace graftline::test
