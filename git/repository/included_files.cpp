#include "graftline/git/repository/included_files.hpp"

#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/watched_file.hpp"
#include "graftline/runtime/files/small_file.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_files = 200; // a circle of includes comes to an end at the first that was seen

fs::path variable(const char* name)
{
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::string_view trimmed(std::string_view text)
{
    constexpr std::string_view blank = " \t\r";
    const auto first = text.find_first_not_of(blank);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::string lower(std::string_view text)
{
    std::string small(text);
    std::ranges::transform(small, small.begin(), [](unsigned char c) { return std::tolower(c); });
    return small;
}

/// The value behind a '=', without quotes and comments.
std::string plain(std::string_view text)
{
    std::string value;
    bool quoted = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '"')
            quoted = !quoted;
        else if (c == '\\' && at + 1 < text.size())
            value += text[++at];
        else if (!quoted && (c == '#' || c == ';'))
            break;
        else
            value += c;
    }
    return std::string(trimmed(value));
}

/// A path as git takes it; empty where it takes more than that to know.
fs::path expanded(const std::string& path, const fs::path& relative_to)
{
    if (path.starts_with("~/")) return variable("HOME") / path.substr(2);
    if (path.empty() || path.starts_with('~') || path.starts_with("%(")) return {};
    if (path.front() != '/' && relative_to.empty()) return {};
    return relative_to / path;
}

} // namespace

result<void> included_files::look_once(const fs::path& file)
{
    if (file.empty() || !seen_.insert(file).second) return {};
    return look_(file);
}

result<void> included_files::take(std::string_view section, std::string_view key, std::string value,
                                  const fs::path& origin)
{
    if (section.starts_with("include") && key == "path") {
        const fs::path file = expanded(value, origin.parent_path());
        return file.empty() ? result<void>() : follow(file);
    }
    // One that is relative lies in the tree, which is looked through elsewhere.
    if (section == "core" && (key == "excludesfile" || key == "attributesfile"))
        return look_once(expanded(value, {}));
    return {};
}

result<void> included_files::follow(const fs::path& file)
{
    if (seen_.contains(file) || seen_.size() > most_files) return {};
    if (auto fine = look_once(file); !fine) return fine;
    const auto text = read_small_file(file);
    if (!text || !*text) return {};
    std::string section;
    for (const std::string& whole : records_of(**text, '\n')) {
        std::string_view line = trimmed(whole);
        if (line.starts_with('[')) {
            const auto end = line.find(']');
            if (end == line.npos) continue;
            const std::string_view name = line.substr(1, end - 1);
            section = lower(trimmed(name.substr(0, name.find('"'))));
            line = trimmed(line.substr(end + 1));
        }
        const auto equals = line.find('=');
        if (equals == line.npos) continue;
        auto fine = take(section, lower(trimmed(line.substr(0, equals))),
                         plain(trimmed(line.substr(equals + 1))), file);
        if (!fine) return fine;
    }
    return {};
}

result<void> included_files::follow_users()
{
    const fs::path global = variable("GIT_CONFIG_GLOBAL");
    const fs::path system = variable("GIT_CONFIG_SYSTEM");
    std::vector<fs::path> files{system.empty() ? fs::path("/etc/gitconfig") : system};
    if (!global.empty())
        files.push_back(global);
    else
        files.insert(files.end(), {user_configuration() / "git/config", home_folder() / ".gitconfig"});
    for (const fs::path& file : files)
        if (auto fine = follow(file); !fine) return fine;
    for (const fs::path& file : {user_configuration() / "git/ignore", user_configuration() / "git/attributes",
                                 fs::path("/etc/gitattributes")})
        if (auto fine = look_once(file); !fine) return fine;
    return {};
}

} // namespace graftline::git
