#include "graftline/git/repository/whole_answer.hpp"

#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"

#include <string_view>

namespace graftline::git {
namespace {

/// Git's words for what it has left out of its answer.
bool says_passed_over(std::string_view line)
{
    if (line.find("could not open directory") != line.npos) return true;
    // That a link has the name of one of its files is no fault: git means not to follow it.
    return line.find("unable to access") != line.npos &&
           line.find("Too many levels of symbolic links") == line.npos;
}

} // namespace

awaitable<result<std::string>> whole_answer(command prepared)
{
    const std::vector<std::string> words = prepared.words();
    const auto output = co_await run(std::move(prepared));
    if (!output) co_return output.error();
    if (!output->ok()) co_return git_failed(words, *output);
    for (const std::string& line : records_of(output->err, '\n'))
        if (says_passed_over(line))
            co_return fault(errc::refused, "git has passed over what it could not read")
                .with("git says", line);
    std::string text = output->out;
    if (text.ends_with('\n')) text.pop_back();
    co_return text;
}

} // namespace graftline::git
