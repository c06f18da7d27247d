#include "graftline/effects/db/change_mark.hpp"

#include "graftline/effects/db/checksum.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace graftline::effects {
namespace {

// "<16 hex digits> <20 digits> <sum of what is before, 10 digits>\n": always of one length, so that it is
// written over in place.
constexpr std::size_t name_size = 16, number_size = 20, sum_size = 10;
constexpr std::size_t sum_at = name_size + 1 + number_size + 1;
constexpr std::size_t size = sum_at + sum_size + 1;

std::int64_t sum_of_text(std::string_view text)
{
    checksum sum;
    sum.add(text);
    return sum.value();
}

std::optional<std::int64_t> number_in(std::string_view text)
{
    std::int64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

} // namespace

change_mark::change_mark(const std::filesystem::path& database) : file_(file_of(database)) {}

std::filesystem::path change_mark::file_of(const std::filesystem::path& database)
{
    return database.string() + "-mark";
}

std::optional<change_count> change_mark::read() const
{
    const descriptor file(::open(file_.c_str(), O_RDONLY | O_CLOEXEC));
    // One that is just being written over reads as two halves: then it is looked at once more.
    for (int looks = 0; file && looks < 20; ++looks) {
        char bytes[size];
        if (::pread(file.get(), bytes, size, 0) != static_cast<ssize_t>(size)) return std::nullopt;
        const std::string_view text(bytes, size);
        const auto number = number_in(text.substr(name_size + 1, number_size));
        const auto sum = number_in(text.substr(sum_at, sum_size));
        if (number && sum == sum_of_text(text.substr(0, sum_at)))
            return change_count{std::string(text.substr(0, name_size)), *number};
    }
    return std::nullopt;
}

void change_mark::write(const change_count& now) noexcept
{
    if (now.database.size() != name_size) return;
    if (!open_) open_ = descriptor(::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!open_) return;
    char text[size + 1];
    std::snprintf(text, sizeof text, "%.16s %020lld ", now.database.c_str(),
                  static_cast<long long>(now.number));
    std::snprintf(text + sum_at, sum_size + 2, "%010lld\n",
                  static_cast<long long>(sum_of_text(std::string_view(text, sum_at))));
    (void)!::pwrite(open_.get(), text, size, 0);
}

} // namespace graftline::effects
