#include "graftline/runtime/files/follow.hpp"

#include <algorithm>
#include <utility>

namespace graftline {

std::vector<std::string> line_splitter::feed(std::string_view chunk)
{
    std::vector<std::string> lines;
    while (!chunk.empty()) {
        const auto newline = chunk.find('\n');
        const auto piece = chunk.substr(0, newline);
        pending_.append(piece.substr(0, limit_ - std::min(limit_, pending_.size())));
        in_line_ = true;
        if (newline == std::string_view::npos) break;
        chunk.remove_prefix(newline + 1);
        auto line = take_rest();
        if (!std::exchange(skips_, false)) lines.push_back(std::move(line));
    }
    return lines;
}

void line_splitter::skip_rest_of_line()
{
    pending_.clear();
    skips_ = true;
}

std::string line_splitter::take_rest()
{
    in_line_ = false;
    if (skips_) pending_.clear();
    if (pending_.ends_with('\r')) pending_.pop_back();
    return std::exchange(pending_, {});
}

} // namespace graftline
