// The benchmark harness: measures graftline beside what people use instead, in one run, and prints the table
// that docs/performance.md shows. `bench [NAME ...]` runs some of: overhead status cleaning journal merging
// landing queue radar worktrees.

#include "graftline/bench/journal.hpp"
#include "graftline/bench/landing.hpp"
#include "graftline/bench/landing_queue.hpp"
#include "graftline/bench/merging.hpp"
#include "graftline/bench/overhead.hpp"
#include "graftline/bench/radar.hpp"
#include "graftline/bench/worktrees.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <sys/utsname.h>

#include <cstdio>
#include <iostream>
#include <set>
#include <thread>

namespace {

using namespace graftline;

awaitable<void> measure(std::set<std::string> wanted)
{
    utsname machine{};
    ::uname(&machine);
    std::cout << "Machine: " << std::thread::hardware_concurrency() << " cores, " << machine.sysname << " "
              << machine.release << "\n\n| what | graftline | instead | ratio |\n|---|---|---|---|\n";
    auto print = [](const std::vector<bench::row>& rows) {
        for (const auto& r : rows)
            std::cout << "| " << r.what << " | " << r.ours << " | " << r.instead << " | " << r.ratio << " |"
                      << std::endl;
    };
    auto is_wanted = [&](const char* name) { return wanted.empty() || wanted.contains(name); };
    if (is_wanted("overhead")) print(co_await bench::overhead());
    if (is_wanted("status")) print(co_await bench::status_of_many());
    if (is_wanted("cleaning")) print(co_await bench::cleaning());
    if (is_wanted("journal")) print(co_await bench::journal());
    if (is_wanted("queue")) print(co_await bench::landing_queue());
    if (is_wanted("merging")) print(co_await bench::merging());
    if (is_wanted("radar")) print(co_await bench::radar());
    if (is_wanted("landing")) print(co_await bench::landing());
    if (is_wanted("worktrees")) print(co_await bench::worktrees(10));
}

} // namespace

int main(int argc, char** argv)
{
    asio::io_context io(1);
    std::exception_ptr failed;
    asio::co_spawn(io, measure(std::set<std::string>(argv + 1, argv + argc)),
                   [&](std::exception_ptr e) { failed = e; });
    io.run();
    if (!failed) return 0;
    try {
        std::rethrow_exception(failed);
    } catch (const std::exception& e) {
        std::cerr << "bench: " << e.what() << '\n';
    }
    return 1;
}
