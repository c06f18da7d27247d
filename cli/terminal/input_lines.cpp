#include "graftline/cli/terminal/input_lines.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace graftline::cli {
namespace {

constexpr std::size_t longest_line = std::size_t{1} << 20;

/// Standard input as a descriptor of our own. Not to block is a property of an open file, which we share with
/// whoever started us: pipes and terminals are opened once more.
int own_input()
{
    struct ::stat is{};
    const bool can_be_opened =
        ::fstat(STDIN_FILENO, &is) == 0 && (S_ISFIFO(is.st_mode) || S_ISCHR(is.st_mode));
    const int opened =
        can_be_opened ? ::open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) : -1;
    return opened >= 0 ? opened : ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
}

} // namespace

awaitable<result<std::optional<std::string>>> input_lines::next()
{
    if (!input_.is_open() && !ended_) {
        const int fd = own_input();
        if (fd < 0) co_return system_fault(errno, "standard input cannot be read");
        input_.assign(fd);
    }
    error_code failed;
    std::size_t size = 0;
    if (!ended_)
        size = co_await asio::async_read_until(input_, asio::dynamic_buffer(read_, longest_line), '\n',
                                               asio::redirect_error(use_awaitable, failed));
    if (failed == asio::error::not_found) co_return fault(errc::invalid, "a line of input is too long");
    if (failed && failed != asio::error::eof)
        co_return system_fault(failed.value(), "standard input cannot be read");
    ended_ = ended_ || failed == asio::error::eof;
    if (ended_) { // a last line without its end, or a rest of several
        const auto end = read_.find('\n');
        size = end == read_.npos ? read_.size() : end + 1;
        if (size == 0) co_return std::optional<std::string>();
    }
    std::string line = read_.substr(0, size);
    read_.erase(0, size);
    if (line.ends_with('\n')) line.pop_back();
    co_return std::optional<std::string>(std::move(line));
}

} // namespace graftline::cli
