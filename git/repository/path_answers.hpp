/// Several answers of one `git rev-parse`, of which paths may hold anything but NUL, line ends too.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace graftline::git {

/// Between two questions: git prints an option that it does not know as it is, on a line of its own.
inline constexpr const char* next_answer = "--graftline-next-answer";

/// What git printed, taken apart at the lines in between, without the last line's end.
inline std::vector<std::string> answers_of(std::string_view text)
{
    const std::string between = std::string("\n") + next_answer + "\n";
    std::vector<std::string> answers;
    for (auto end = text.find(between); end != text.npos; end = text.find(between)) {
        answers.emplace_back(text.substr(0, end));
        text.remove_prefix(end + between.size());
    }
    if (text.ends_with('\n')) text.remove_suffix(1);
    answers.emplace_back(text);
    return answers;
}

} // namespace graftline::git
