#include "graftline/runtime/base/fault.hpp"

#include <algorithm>
#include <cerrno>

namespace graftline {
namespace {

class category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "graftline"; }
    std::string message(int value) const override
    {
        switch (static_cast<errc>(value)) {
        case errc::invalid: return "invalid input";
        case errc::not_found: return "not found";
        case errc::exists: return "exists already";
        case errc::refused: return "refused";
        case errc::busy: return "busy";
        case errc::moved: return "moved meanwhile";
        case errc::unusable: return "the environment is not usable";
        case errc::no_space: return "no space left";
        case errc::command_failed: return "a command failed";
        case errc::could_not_start: return "a program could not be started";
        case errc::timed_out: return "timed out";
        case errc::interrupted: return "interrupted";
        case errc::unsupported: return "not supported";
        case errc::corrupt: return "corrupt";
        case errc::internal: return "internal error";
        }
        return "unknown error";
    }
};

} // namespace

error_code make_error_code(errc code) noexcept
{
    static const category the_category;
    return {static_cast<int>(code), the_category};
}

fault& fault::with(std::string key, std::string value) &
{
    if (std::ranges::find(context_, std::pair(key, value)) != context_.end()) return *this;
    context_.emplace_back(std::move(key), std::move(value));
    return *this;
}

fault&& fault::with(std::string key, std::string value) &&
{
    return std::move(with(std::move(key), std::move(value)));
}

fault& fault::advise(std::string next_step) &
{
    advice_ = std::move(next_step);
    return *this;
}

fault&& fault::advise(std::string next_step) &&
{
    return std::move(advise(std::move(next_step)));
}

std::string fault::message() const
{
    std::string text = what_.empty() ? code_.message() : what_;
    for (const auto& [key, value] : context_) {
        text += "\n  " + key + ": ";
        for (char c : value) {
            text += c;
            if (c == '\n') text += "    "; // a value of several lines stays below its key
        }
    }
    if (!advice_.empty()) text += "\n  " + advice_;
    return text;
}

void throw_exception_from_error(const fault& f, const boost::source_location&)
{
    throw fault_error(f);
}

fault system_fault(int error_number, std::string what)
{
    const error_code cause(error_number, boost::system::system_category());
    const bool full = error_number == ENOSPC || error_number == EDQUOT;
    fault f(full ? make_error_code(errc::no_space) : cause, std::move(what));
    return std::move(f).with("cause", cause.message());
}

} // namespace graftline
