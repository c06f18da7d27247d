#include "graftline/cli/terminal/terminal.hpp"

#include "graftline/cli/terminal/shown_text.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace graftline::cli {
namespace {

bool is_dumb()
{
    const char* kind = std::getenv("TERM");
    return !kind || std::string_view(kind) == "dumb";
}

bool wants_colors(bool is_terminal, color_choice choice)
{
    if (choice != color_choice::automatic) return choice == color_choice::always;
    const char* refused = std::getenv("NO_COLOR");
    return is_terminal && !(refused && *refused) && !is_dumb();
}

winsize size_of(int descriptor)
{
    winsize size{};
    if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) size.ws_col = 80;
    if (size.ws_row == 0) size.ws_row = 24;
    return size;
}

} // namespace

terminal::terminal(int descriptor, color_choice choice)
    : descriptor_(descriptor), is_terminal_(::isatty(descriptor) == 1),
      has_colors_(wants_colors(is_terminal_, choice)), can_redraw_(is_terminal_ && !is_dumb())
{
}

std::size_t terminal::columns() const
{
    return size_of(descriptor_).ws_col;
}

std::size_t terminal::rows() const
{
    return size_of(descriptor_).ws_row;
}

bool terminal::is_read() const
{
    pollfd one{descriptor_, 0, 0};
    return error_ == 0 && (::poll(&one, 1, 0) <= 0 || (one.revents & (POLLERR | POLLHUP)) == 0);
}

bool terminal::is_ready() const
{
    pollfd asked{descriptor_, POLLOUT, 0};
    return ::poll(&asked, 1, 0) == 1;
}

bool terminal::write(std::string_view text)
{
    return write_as_it_is(harmless_text(text));
}

bool terminal::write_as_it_is(std::string_view text)
{
    while (!text.empty() && error_ == 0) {
        const auto written = ::write(descriptor_, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            pollfd asked{descriptor_, POLLOUT, 0};
            ::poll(&asked, 1, -1);
        } else if (errno != EINTR) {
            error_ = errno;
        }
    }
    return error_ == 0;
}

std::string terminal::in(tint color, std::string_view text) const
{
    if (!has_colors_ || color == tint::none || text.empty()) return std::string(text);
    const char* code = color == tint::good      ? "32"
                       : color == tint::bad     ? "31"
                       : color == tint::warning ? "33"
                       : color == tint::faint   ? "2"
                                                : "1";
    return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

} // namespace graftline::cli
