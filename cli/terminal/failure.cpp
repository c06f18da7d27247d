#include "graftline/cli/terminal/failure.hpp"

#include "graftline/cli/terminal/shown_text.hpp"

namespace graftline::cli {

int exit_status_of(const fault& f)
{
    if (f.code().category() != make_error_code(errc::invalid).category())
        return exit_status::unusable; // the system said no: rights, a read-only disk, no descriptors
    switch (static_cast<errc>(f.code().value())) {
    case errc::invalid:
    case errc::not_found:
    case errc::exists:
    case errc::refused: return exit_status::usage;
    case errc::unusable:
    case errc::no_space:
    case errc::could_not_start:
    case errc::unsupported:
    case errc::corrupt: return exit_status::unusable;
    case errc::interrupted: return exit_status::interrupted;
    case errc::busy:
    case errc::moved:
    case errc::command_failed:
    case errc::timed_out:
    case errc::internal: return exit_status::not_all;
    }
    return exit_status::not_all;
}

std::string message_of(const fault& f)
{
    text_filter filter;
    auto text = filter.feed("graftline: " + f.message());
    text += filter.end();
    return text + "\n";
}

} // namespace graftline::cli
