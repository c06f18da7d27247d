#include "graftline/agents/files/text_file.hpp"

#include "graftline/runtime/files/small_file.hpp"

namespace graftline::agents {

result<std::string> read_text_file(const std::filesystem::path& file)
{
    constexpr std::uintmax_t largest = 16 * 1024 * 1024;
    std::error_code failed;
    const auto status = std::filesystem::status(file, failed);
    if (status.type() == std::filesystem::file_type::not_found)
        return fault(errc::not_found, "there is no such file").with("file", file.string());
    if (failed) return system_fault(failed.value(), "a file cannot be read").with("file", file.string());
    if (!std::filesystem::is_regular_file(status))
        return fault(errc::invalid, "this is not a file that can be read").with("file", file.string());
    if (std::filesystem::file_size(file, failed) > largest && !failed)
        return fault(errc::invalid, "the file is larger than 16 MiB").with("file", file.string());
    auto text = read_small_file(file);
    if (!text) return text.error();
    return std::move(*text).value_or(std::string());
}

} // namespace graftline::agents
