/// What the build has made, and where it was made from.
#pragma once

#include <filesystem>
#include <string>

namespace graftline::test {

std::string built_program();
std::filesystem::path examples_folder();

} // namespace graftline::test
