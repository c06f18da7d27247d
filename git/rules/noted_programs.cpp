#include "graftline/git/rules/noted_programs.hpp"

#include "graftline/git/repository/libgit2.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/scratch.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <string_view>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view hook_key = "hook";
constexpr std::size_t small_enough_to_read = 65536;

bool is_file(const fs::path& path)
{
    std::error_code failed;
    return fs::is_regular_file(path, failed); // through links
}

/// The words of a command line, quotes taken off; all that a shell takes for more than a part of a word
/// parts them.
std::vector<std::string> words_in(std::string_view text)
{
    constexpr std::string_view between = " \t\n;|&()<>`";
    std::vector<std::string> words(1);
    char quote = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == quote)
            quote = 0;
        else if (!quote && (c == '"' || c == '\''))
            quote = c;
        else if (quote != '\'' && c == '\\' && at + 1 < text.size())
            words.back() += text[++at];
        else if (!quote && between.find(c) != between.npos)
            words.emplace_back();
        else
            words.back() += c;
    }
    std::erase(words, std::string());
    return words;
}

std::string variable(const char* name)
{
    const char* value = std::getenv(name);
    return value ? value : "";
}

fs::path with_home(const std::string& word)
{
    for (const std::string_view before : {"~/", "$HOME/", "${HOME}/"})
        if (word.starts_with(before)) return fs::path(variable("HOME")) / word.substr(before.size());
    return word;
}

std::optional<fs::path> on_path(const std::string& name)
{
    for (const std::string& folder : records_of(variable("PATH"), ':')) {
        const fs::path found = fs::path(folder) / name;
        if (is_file(found)) return found;
    }
    return std::nullopt;
}

void add_files(std::string_view text, const fs::path& worktree, int depth, std::vector<fs::path>& found)
{
    std::string before;
    for (const std::string& word : words_in(text)) {
        const fs::path path = with_home(word);
        const bool has_folder = word.find('/') != word.npos;
        if (const auto program = has_folder ? std::nullopt : on_path(word)) found.push_back(*program);
        if (const auto program = before == "git" ? on_path("git-" + word) : std::nullopt)
            found.push_back(*program);
        if (is_file(worktree / path)) // an absolute one stays what it is
            found.push_back(worktree / path);
        else if (depth > 0 && word.find_first_of(" \t\n;|&") != word.npos) // sh -c "..."
            add_files(word, worktree, depth - 1, found);
        before = word;
    }
}

/// By its contents where they are soon read; else as a build tool would know it again.
std::string identity_of(const fs::path& file)
{
    struct stat seen = {};
    if (::stat(file.c_str(), &seen) != 0) return "none";
    const std::string mode = (seen.st_mode & 0111) != 0 ? "x" : "-";
    if (static_cast<std::size_t>(seen.st_size) <= small_enough_to_read) {
        const auto text = text_if_there(file);
        git_oid id;
        if (text && git_odb_hash(&id, text->data(), text->size(), GIT_OBJECT_BLOB) == 0)
            return mode + to_oid(id).hex();
    }
    const auto time = [](const timespec& t) {
        return ' ' + std::to_string(t.tv_sec) + '.' + std::to_string(t.tv_nsec);
    };
    return mode + std::to_string(seen.st_size) + time(seen.st_mtim) + time(seen.st_ctim);
}

std::vector<fs::path> hooks_in(const fs::path& folder)
{
    std::vector<fs::path> found;
    std::error_code failed;
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed))
        if (at->path().extension() != ".sample" && is_file(at->path())) found.push_back(at->path());
    return found;
}

/// What a program is there for, and where it is; with its identity.
using program_table = std::map<std::pair<std::string, std::string>, std::string>;

program_table table_of(const std::string& text)
{
    program_table table;
    const auto records = records_of(text); // what for, path, identity
    for (std::size_t at = 0; at + 2 < records.size(); at += 3)
        table[{records[at], records[at + 1]}] = records[at + 2];
    return table;
}

} // namespace

std::vector<fs::path> files_of_command(const std::string& text, const fs::path& worktree)
{
    std::vector<fs::path> found;
    add_files(text, worktree, 2, found);
    std::ranges::sort(found);
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

std::string programs_now(const setting_values& settings, const fs::path& hooks, const fs::path& worktree)
{
    std::vector<std::string> records;
    for (const auto& [key, value] : settings) {
        const auto name = key.substr(key.rfind('.') + 1);
        if (!key.starts_with("filter.") || (name != "clean" && name != "smudge" && name != "process"))
            continue;
        for (const fs::path& file : files_of_command(value, worktree))
            records.insert(records.end(), {key, file.string(), identity_of(file)});
    }
    if (!hooks.empty()) records.insert(records.end(), {std::string(hook_key), hooks.string(), "folder"});
    if (hooks.is_absolute())
        for (const fs::path& file : hooks_in(hooks))
            records.insert(records.end(), {std::string(hook_key), file.string(), identity_of(file)});
    return joined(records);
}

changed_programs compare_programs(const std::string& noted, const std::string& now)
{
    const program_table was = table_of(noted);
    const program_table is = table_of(now);
    program_table either = was;
    either.insert(is.begin(), is.end());
    changed_programs found;
    for (const auto& [which, identity] : either) {
        const auto before = was.find(which);
        const auto after = is.find(which);
        if (before != was.end() && after != is.end() && before->second == after->second) continue;
        if (which.first == hook_key)
            found.hooks.push_back(which.second);
        else
            found.filters.push_back(which.first + " (" + which.second + ")");
    }
    return found;
}

} // namespace graftline::git
