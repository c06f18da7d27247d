#include "graftline/git/repository/overdue.hpp"

#include "graftline/git/repository/patience.hpp"
#include "graftline/runtime/base/utf8.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

namespace graftline::git {
namespace {

constexpr std::array<std::string_view, 15> hooks{
    "applypatch-msg", "commit-msg",         "post-applypatch",      "post-checkout",
    "post-commit",    "post-index-change",  "post-merge",           "post-rewrite",
    "pre-applypatch", "pre-auto-gc",        "pre-commit",           "pre-merge-commit",
    "pre-rebase",     "prepare-commit-msg", "reference-transaction"};

/// A remote's address may hold a password: "https://me:secret@host".
std::string without_secrets(std::string text)
{
    for (auto at = text.find("://"); at != text.npos; at = text.find("://", at + 3)) {
        const auto begin = at + 3;
        const auto end = text.find_first_of("/ '\"", begin);
        const auto who = text.substr(begin, end - begin).rfind('@');
        if (who != text.npos) text.erase(begin, who + 1);
    }
    return text;
}

} // namespace

std::string name_of_git(const std::vector<std::string>& words)
{
    const auto what = subcommand_of(words);
    return what.empty() ? "git" : "git " + std::string(what);
}

std::string name_of_program(const std::vector<std::string>& program)
{
    if (program.empty() || std::filesystem::path(program.front()).filename() == "git") return {};
    // A script is the first or the second word: behind its interpreter.
    for (std::size_t at = 0; at < std::min<std::size_t>(program.size(), 3); ++at)
        if (const auto name = std::filesystem::path(program[at]).filename().string();
            std::ranges::find(hooks, name) != hooks.end())
            return "the hook " + name;
    constexpr std::size_t most = 200;
    // Git starts what the configuration names by a shell where it takes one.
    const bool by_shell = program.size() > 2 && program[0] == "/bin/sh" && program[1] == "-c";
    std::string text = without_secrets(by_shell ? program[2] : quoted(program));
    if (text.size() > most) text = std::string(beginning_of(text, most)) + " ...";
    return text;
}

fault git_overdue(const std::vector<std::string>& words, const command_output& output)
{
    const std::string waited_for = name_of_program(output.overdue);
    fault f(errc::timed_out, name_of_git(words) + " took too long and was ended" +
                                 (waited_for.empty() ? "" : "; it waited for " + waited_for));
    f.with("command", quoted(words));
    std::string says(end_of(output.err, 1000));
    while (says.ends_with('\n'))
        says.pop_back();
    if (!says.empty()) f.with("git says", std::move(says));
    return std::move(f).advise("Put right what hangs, or give it more time: timeout under [git] in "
                               "graftline.toml, or the task's --timeout.");
}

} // namespace graftline::git
