/// A block of lines at the bottom of a terminal that is drawn over in place.
#pragma once

#include "graftline/cli/terminal/terminal.hpp"

#include <string>
#include <vector>

namespace graftline::cli {

/// Lines must be harmless and no wider than the terminal. What is printed above stays.
class live_lines {
public:
    enum class at_end { erase, keep };
    explicit live_lines(terminal& on, at_end what = at_end::erase) : on_(on), at_end_(what) {}
    ~live_lines()
    {
        if (at_end_ == at_end::erase) erase();
    }
    live_lines(const live_lines&) = delete;
    live_lines& operator=(const live_lines&) = delete;

    /// Draws the block in place of the one before.
    void draw(const std::vector<std::string>& lines);
    /// Prints `text` (whole lines) above the block; the block comes back with the next `draw`.
    void print_above(const std::string& text);
    /// Takes the block away.
    void erase();

private:
    std::string go_to_top() const;
    std::string wipe() const;

    terminal& on_;
    at_end at_end_;
    std::size_t drawn_ = 0;
};

} // namespace graftline::cli
