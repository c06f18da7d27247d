/// Taking git's output apart.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace graftline::git {

/// The records of `git ... -z`, or with '\n' its lines. A separator at the very end begins no further record.
inline std::vector<std::string> records_of(std::string_view text, char separator = '\0')
{
    std::vector<std::string> records;
    while (!text.empty()) {
        const auto end = text.find(separator);
        records.emplace_back(text.substr(0, end));
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
    return records;
}

/// `records`, each ended by `separator`: what git reads with `-z --stdin`, or with '\n' as lines.
inline std::string joined(const std::vector<std::string>& records, char separator = '\0')
{
    std::string text;
    for (const std::string& record : records) {
        text += record;
        text += separator;
    }
    return text;
}

} // namespace graftline::git
