/// Repositories for measurements, given as data and imported at once.
#pragma once

#include "graftline/bench/table.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace graftline::bench {

/// A file of which one line is another.
struct change {
    int file;
    int line;
    std::string text;
};

/// A commit on main with this many files of this many lines, in folders of 100
/// entries, and branches of it.
class history {
public:
    history(int files, int lines);
    void branch(const std::string& name, const std::vector<change>& changes);
    /// Makes a bare repository of it, which commits can be made in.
    awaitable<std::filesystem::path> import_into(std::filesystem::path folder) &&;

private:
    void begin_commit(const std::string& branch);
    void put(const change& what);

    int lines_;
    int time_ = 1'700'000'000;
    std::string stream_;
};

} // namespace graftline::bench
