#include "graftline/bench/landing_queue.hpp"

#include <stdexcept>

namespace graftline::bench {
namespace {

/// Seconds that `land --all` takes, testing `speculate` landings at the same time.
awaitable<double> land_all(std::filesystem::path in, int speculate)
{
    const auto top = co_await make_repository(in, "queue-" + std::to_string(speculate), 300);
    std::vector<std::string> words{"run", "--json", "--max", "4"};
    for (int i = 0; i < 20; ++i)
        words.push_back("task " + std::to_string(i));
    words.insert(words.end(), {"--", "sh", "-c", "touch \"$GRAFTLINE_TASK\""});
    co_await must_run(graftline_in(top, words));
    co_await must_run(git(top, {"config", "user.name", "Bench"}));

    std::vector<std::string> landing{"land",
                                     "--all",
                                     "--json",
                                     "--speculate",
                                     std::to_string(speculate),
                                     "--gate",
                                     "sh -c 'sleep 1; test ! -e \"task 10\"'"};
    const double took = co_await timed(graftline_in(top, landing));
    const auto merges = co_await must_run(git(top, {"rev-list", "--count", "--merges", "main"}));
    if (merges.out != "19\n") throw std::runtime_error("not 19 landed but " + merges.out);
    co_return took;
}

} // namespace

awaitable<std::vector<row>> landing_queue()
{
    const workplace place;
    const double one = co_await land_all(place.path(), 1);
    std::vector<row> rows;
    for (const int depth : {4, 10}) {
        const double ours = co_await land_all(place.path(), depth);
        rows.push_back({"20 landings, one bad, a gate of 1 s, " + std::to_string(depth) + " tested at a time",
                        seconds(ours), "one after the other: " + seconds(one), times(one / ours)});
    }
    co_return rows;
}

} // namespace graftline::bench
