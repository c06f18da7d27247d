#include "graftline/bench/table.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace graftline::bench {

namespace fs = std::filesystem;

workplace::workplace()
{
    std::string pattern = (fs::temp_directory_path() / "graftline-bench-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder: " + pattern);
    path_ = pattern;
}

workplace::~workplace()
{
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

awaitable<command_output> must_run(command what)
{
    auto ended = (co_await run(what)).value();
    if (!ended.ok()) throw std::runtime_error(quoted(what.words()) + ": " + ended.err);
    co_return ended;
}

awaitable<double> timed(command what)
{
    const auto begin = std::chrono::steady_clock::now();
    (co_await run(std::move(what))).value();
    co_return since(begin);
}

command git(fs::path in, std::vector<std::string> words)
{
    command c("git");
    c.args("-c", "user.name=Bench", "-c", "user.email=bench@example.org", "-c", "init.defaultBranch=main");
    for (auto& word : words)
        c.add(std::move(word));
    c.in(std::move(in));
    return c;
}

command graftline_in(fs::path in, std::vector<std::string> words)
{
    command c(GRAFTLINE_PROGRAM);
    for (auto& word : words)
        c.add(std::move(word));
    c.in(std::move(in));
    c.set("GIT_AUTHOR_NAME", "Bench").set("GIT_AUTHOR_EMAIL", "bench@example.org");
    return c;
}

awaitable<fs::path> make_repository(fs::path in, std::string name, int files)
{
    const auto top = in / name;
    fs::create_directories(top);
    for (int i = 0; i < files; ++i) {
        const auto folder = top / ("d" + std::to_string(i / 100));
        if (i % 100 == 0) fs::create_directories(folder);
        std::ofstream(folder / ("f" + std::to_string(i) + ".txt")) << "file " << i << "\nline\nline\n";
    }
    co_await must_run(git(top, {"init", "-q"}));
    co_await must_run(git(top, {"config", "user.name", "Bench"}));
    co_await must_run(git(top, {"config", "user.email", "bench@example.org"}));
    co_await must_run(git(top, {"add", "-A"}));
    co_await must_run(git(top, {"commit", "-qm", "start"}));
    co_return top;
}

double since(std::chrono::steady_clock::time_point begin)
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> all)
{
    std::ranges::sort(all);
    return all[all.size() / 2];
}

std::string seconds(double value)
{
    char text[32];
    std::snprintf(text, sizeof text,
                  value < 0.001 ? "%.3f ms"
                  : value < 0.1 ? "%.1f ms"
                                : "%.2f s",
                  value < 0.1 ? value * 1000 : value);
    return text;
}

std::string times(double value)
{
    char text[32];
    std::snprintf(text, sizeof text, value < 10 ? "%.2f x" : "%.0f x", value);
    return text;
}

} // namespace graftline::bench
