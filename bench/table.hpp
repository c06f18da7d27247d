/// What a measurement prints: a row of the table that docs/performance.md shows.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/process/command.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace graftline::bench {

/// One line: what was done, with graftline and with what people use instead, and how they compare.
struct row {
    std::string what;
    std::string ours;
    std::string instead;
    std::string ratio;
};

/// A temporary folder that goes with its owner.
class workplace {
public:
    workplace();
    ~workplace();
    workplace(const workplace&) = delete;
    workplace& operator=(const workplace&) = delete;
    const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

/// Makes a repository `name` with `files` small files in folders of 100 and one commit on main.
awaitable<std::filesystem::path> make_repository(std::filesystem::path in, std::string name, int files);

/// Runs a command and gives the seconds that it took; throws when it cannot start.
awaitable<double> timed(command what);
awaitable<command_output> must_run(command what);

command git(std::filesystem::path in, std::vector<std::string> words);
command graftline_in(std::filesystem::path in, std::vector<std::string> words);

/// How long it was since `begin`, in seconds.
double since(std::chrono::steady_clock::time_point begin);
double median(std::vector<double> all);
std::string seconds(double value);
std::string times(double value);

} // namespace graftline::bench
