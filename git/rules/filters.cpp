#include "graftline/git/rules/filters.hpp"

#include "graftline/git/repository/patience.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"

#include <string_view>

namespace graftline::git {

void add_driver(filter_drivers& drivers, const std::string& key)
{
    constexpr std::string_view before = "filter.";
    const auto dot = key.rfind('.');
    const std::string name = dot == key.npos ? std::string() : key.substr(dot + 1);
    const bool runs = name == "clean" || name == "smudge" || name == "process";
    if (!key.starts_with(before) || dot < before.size() || (!runs && name != "required")) return;
    drivers.names.insert(key.substr(before.size(), dot - before.size()));
    drivers.words.insert(drivers.words.end(), {"-c", key + (runs ? "=" : "=false")});
}

awaitable<result<filter_drivers>> find_filters(repository& repo)
{
    command listing = repo.git("config", "-z", "--name-only", "--get-regexp",
                               "^filter\\..*\\.(clean|smudge|process|required)$");
    const auto listed = co_await run_git(std::move(listing));
    if (!listed) co_return listed.error();
    filter_drivers drivers;
    if (listed->status == exit_status(exited{1})) co_return drivers; // there are none
    if (!listed->ok()) co_return git_failed({"git", "config"}, *listed);
    for (const std::string& key : records_of(listed->out))
        add_driver(drivers, key);
    co_return drivers;
}

} // namespace graftline::git
