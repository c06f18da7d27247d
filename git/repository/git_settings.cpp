#include "graftline/git/repository/git_settings.hpp"

#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/runtime/async/parallel.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// A value and the file that it comes from ("file:/home/me/.gitconfig").
struct setting {
    std::string origin;
    std::string value;
};

/// `git config --list --show-origin -z`: origin, NUL, key, newline, value, NUL; the last value of a key
/// counts. A key without a value means true.
std::map<std::string, setting> read_settings(const std::vector<std::string>& records)
{
    std::map<std::string, setting> settings;
    for (std::size_t at = 0; at + 1 < records.size(); at += 2) {
        const std::string& entry = records[at + 1];
        const auto line = entry.find('\n');
        settings[entry.substr(0, line)] = {records[at], line == entry.npos ? "true" : entry.substr(line + 1)};
    }
    return settings;
}

/// "Name <email> 1700000000 +0100", as `git var` prints it.
std::optional<identity> identity_in(const result<std::string>& line)
{
    if (!line) return std::nullopt; // git knows nobody, and says so by its exit
    const auto open = line->find(" <");
    const auto close = line->rfind('>');
    if (open == line->npos || close == line->npos || close < open) return std::nullopt;
    return identity(line->substr(0, open), line->substr(open + 2, close - open - 2));
}

bool is_false(const std::string& value)
{
    return value == "false" || value == "no" || value == "off" || value == "0" || value.empty();
}

/// Where hooks are. Git takes a relative path from the folder that it runs in; one with placeholders is its
/// own business.
fs::path hooks_of(const repository& repo, const std::map<std::string, setting>& settings)
{
    const auto found = settings.find("core.hookspath");
    if (found == settings.end() || found->second.value.empty()) return repo.common_dir() / "hooks";
    const std::string& path = found->second.value;
    if (path.starts_with('~') || path.starts_with('%')) return {};
    return repo.git().folder() / path;
}

git_settings interpret(const repository& repo, const std::map<std::string, setting>& settings)
{
    const auto is_off = [&](const char* key) {
        const auto found = settings.find(key);
        return found == settings.end() || is_false(found->second.value);
    };
    git_settings known;
    known.plain_commits = is_off("commit.gpgsign") && !settings.contains("i18n.commitencoding");
    known.plain_files = is_off("core.sharedrepository");
    // libgit2 reads the repository's own configuration as git does, but not always what lies above it.
    const auto reflogs = settings.find("core.logallrefupdates");
    known.plain_reflogs = reflogs == settings.end() ||
                          reflogs->second.origin == "file:" + (repo.common_dir() / "config").string();
    known.hooks = hooks_of(repo, settings);
    return known;
}

/// The file that an entry includes, which may come to be later; empty for other entries.
fs::path included_by(const std::string& entry, const fs::path& origin)
{
    const auto line = entry.find('\n');
    const std::string key = entry.substr(0, line);
    const bool includes = key == "include.path" || (key.starts_with("includeif.") && key.ends_with(".path"));
    if (!includes || line == entry.npos) return {};
    const std::string path = entry.substr(line + 1);
    const char* home = std::getenv("HOME");
    if (path.starts_with("~/")) return fs::path(home ? home : "") / path.substr(2);
    return origin.parent_path() / path;
}

/// Watches the files that the settings come from. False when one of them is new: it may have changed before.
bool watch_origins(const std::vector<std::string>& records, const fs::path& relative_to,
                   std::vector<watched_file>& watched)
{
    bool all_known = true;
    const auto watch = [&](const fs::path& file) {
        if (file.empty() ||
            std::ranges::any_of(watched, [&](const watched_file& one) { return one.path() == file; }))
            return;
        watched.emplace_back(file);
        all_known = false;
    };
    for (std::size_t at = 0; at + 1 < records.size(); at += 2) {
        if (!records[at].starts_with("file:")) continue;
        const fs::path file = relative_to / records[at].substr(5);
        watch(file);
        watch(included_by(records[at + 1], file));
    }
    return all_known;
}

} // namespace

setting_values settings_in(const std::vector<std::string>& records, bool with_origins)
{
    setting_values values;
    for (std::size_t at = with_origins ? 1 : 0; at < records.size(); at += with_origins ? 2 : 1) {
        const std::string& entry = records[at];
        const auto line = entry.find('\n');
        values.insert_or_assign(entry.substr(0, line), line == entry.npos ? "true" : entry.substr(line + 1));
    }
    return values;
}

known_settings& known_settings::of(const repository& repo)
{
    return *repo.services().use<known_settings>([] { return std::make_shared<known_settings>(); });
}

bool known_settings::is_fresh() const
{
    return known_ && std::ranges::all_of(files_, &watched_file::is_as_it_was);
}

awaitable<result<std::shared_ptr<const git_settings>>> known_settings::now(const repository& repo)
{
    if (is_fresh()) co_return known_;
    std::vector<watched_file> watched; // from before git reads them
    for (fs::path& place : configuration_places(repo))
        watched.emplace_back(std::move(place));
    std::shared_ptr<git_settings> known;
    while (!known) {
        std::vector<awaitable<result<std::string>>> questions;
        questions.push_back(repo.ask("config", "--list", "--show-origin", "-z"));
        questions.push_back(repo.ask("var", "GIT_AUTHOR_IDENT"));
        questions.push_back(repo.ask("var", "GIT_COMMITTER_IDENT"));
        auto answers = co_await parallel::all(std::move(questions));
        const result<std::string> list = std::move(answers[0].value());
        if (!list) co_return list.error();
        const std::vector<std::string> records = records_of(*list);
        if (!watch_origins(records, repo.git().folder(), watched)) continue;
        known = std::make_shared<git_settings>(interpret(repo, read_settings(records)));
        known->rules = rules_among(settings_in(records, true), repo.git().folder());
        known->author = identity_in(answers[1].value());
        known->committer = identity_in(answers[2].value());
    }
    files_ = std::move(watched);
    known_ = std::move(known);
    co_return known_;
}

} // namespace graftline::git
