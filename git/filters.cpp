#include "graftline/git/filters.hpp"

#include "graftline/git/patience.hpp"
#include "graftline/git/records.hpp"
#include "graftline/git/repository.hpp"

namespace graftline::git {

awaitable<result<filter_drivers>> find_filters(repository& repo)
{
    command listing = repo.git("config", "-z", "--name-only", "--get-regexp",
                               "^filter\\..*\\.(clean|smudge|process|required)$");
    const auto listed = co_await run_git(std::move(listing));
    if (!listed) co_return listed.error();
    filter_drivers drivers;
    if (listed->status == exit_status(exited{1})) co_return drivers; // there are none
    if (!listed->ok()) co_return git_failed({"git", "config"}, *listed);
    for (const std::string& key : records_of(listed->out)) {
        const auto from = std::string_view("filter.").size();
        const auto to = key.rfind('.');
        drivers.names.insert(key.substr(from, to - from));
        drivers.words.push_back("-c");
        drivers.words.push_back(key + (key.ends_with(".required") ? "=false" : "="));
    }
    co_return drivers;
}

} // namespace graftline::git
