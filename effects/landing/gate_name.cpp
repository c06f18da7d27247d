#include "graftline/effects/landing/gate_name.hpp"

#include "graftline/effects/tasks/fresh_id.hpp"

#include <string_view>

namespace graftline::effects {
namespace {

constexpr std::string_view prefix = "gate-";
constexpr std::size_t own_digits = 8;

} // namespace

std::string gate_name(const std::string& run_id)
{
    return fresh_id(std::string(prefix) + run_id + "-", own_digits);
}

std::string run_of_gate(const std::string& name)
{
    if (!name.starts_with(prefix) || name.size() < prefix.size() + own_digits + 2) return {};
    return name.substr(prefix.size(), name.size() - prefix.size() - own_digits - 1);
}

} // namespace graftline::effects
