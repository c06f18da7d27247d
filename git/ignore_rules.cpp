#include "graftline/git/ignore_rules.hpp"

#include "graftline/git/git_settings.hpp"
#include "graftline/git/records.hpp"
#include "graftline/git/repository.hpp"
#include "graftline/git/scratch.hpp"
#include "graftline/git/whole_answer.hpp"

#include <algorithm>
#include <fstream>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

constexpr const char* rules_name = "graftline-ignored";

fs::path own_lines_file(const repository& repo)
{
    return repo.state_folder() / "kept-out";
}

/// Weakest first, as git reads them.
awaitable<result<std::string>> rules_of_today(repository& repo)
{
    const auto settings = co_await repo.settings().now(repo);
    if (!settings) co_return settings.error();
    auto everywhere = text_of((*settings)->excludes);
    if (!everywhere.empty() && !everywhere.ends_with('\n')) everywhere += '\n';
    co_return everywhere + text_of(repo.common_dir() / "info" / "exclude");
}

/// The lines that mean something and are not ours.
std::vector<std::string> meaning_of(const std::string& rules, const std::vector<std::string>& ours)
{
    auto lines = records_of(rules, '\n');
    std::erase_if(lines, [&](const std::string& line) {
        return line.empty() || line.starts_with('#') || std::ranges::find(ours, line) != ours.end();
    });
    return lines;
}

/// Words for a `git ls-files` that ignores what is ignored in the place.
std::vector<std::string> ignoring_words(const workplace& place)
{
    if (place.ignored_by.empty()) return {"--exclude-standard"};
    std::vector<std::string> words{"--exclude-per-directory=.gitignore"};
    for (const fs::path& file : place.ignored_by)
        words.push_back("--exclude-from=" + file.string());
    return words;
}

/// The same by the place's own rules, which `check-ignore` cannot be told.
awaitable<result<std::vector<std::string>>> ignored_by_former_rules(const repository& repo, workplace place,
                                                                    std::vector<std::string> paths)
{
    std::vector<std::string> words{"ls-files", "-o", "-i", "--directory", "-z"};
    const auto ignoring = ignoring_words(place);
    words.insert(words.end(), ignoring.begin(), ignoring.end());
    const auto listed = co_await repository::answer(place.git(repo, std::move(words)));
    if (!listed) co_return listed.error();
    const auto ignored = records_of(*listed);
    std::erase_if(paths, [&](const std::string& path) {
        return std::ranges::none_of(ignored, [&](const std::string& one) {
            return path == one || (one.ends_with('/') && (path + "/").starts_with(one));
        });
    });
    co_return paths;
}

} // namespace

awaitable<result<void>> keep_ignore_rules(repository& repo, fs::path record)
{
    const auto rules = co_await rules_of_today(repo);
    if (!rules) co_return rules.error();
    co_return replace_file(record / rules_name, *rules);
}

result<void> note_own_exclusion(const repository& repo, const std::string& pattern)
{
    const fs::path file = own_lines_file(repo);
    std::error_code failed;
    fs::create_directories(file.parent_path(), failed);
    std::ofstream out(file, std::ios::binary | std::ios::app);
    out << pattern + "\n";
    if (!out.flush()) return fault(errc::unusable, "cannot write to " + file.string());
    return {};
}

awaitable<result<std::vector<fs::path>>> former_ignore_rules(repository& repo, fs::path record)
{
    std::vector<fs::path> files;
    std::error_code failed;
    const fs::path noted = record / rules_name;
    if (!fs::exists(noted, failed)) co_return files;
    const auto today = co_await rules_of_today(repo);
    if (!today) co_return today.error();
    const fs::path own = own_lines_file(repo);
    const auto ours = records_of(text_of(own), '\n');
    if (meaning_of(text_of(noted), ours) == meaning_of(*today, ours)) co_return files;
    files.push_back(noted);
    if (fs::exists(own, failed)) files.push_back(own);
    co_return files;
}

awaitable<result<std::vector<std::string>>> untracked_in(const repository& repo, workplace place,
                                                         fs::path index)
{
    std::vector<std::string> words{"ls-files", "-o", "-z"};
    const auto ignoring = ignoring_words(place);
    words.insert(words.end(), ignoring.begin(), ignoring.end());
    command list = place.git(repo, std::move(words));
    if (!index.empty()) list.set("GIT_INDEX_FILE", index.string());
    const auto listed = co_await whole_answer(std::move(list));
    if (!listed) co_return listed.error();
    co_return records_of(*listed);
}

awaitable<result<std::optional<std::vector<std::string>>>>
untracked_by_own_rules(const repository& repo, workplace place, fs::path index)
{
    std::optional<std::vector<std::string>> others;
    if (place.ignored_by.empty()) co_return others;
    auto all = co_await untracked_in(repo, std::move(place), std::move(index));
    if (!all) co_return all.error();
    std::erase_if(*all, [](const std::string& path) { return path.ends_with('/'); });
    others = std::move(*all);
    co_return others;
}

awaitable<result<void>> stage_all(const std::function<command()>& prepared,
                                  std::vector<std::string> pathspecs,
                                  std::optional<std::vector<std::string>> others)
{
    command all = prepared();
    all.args("add", others ? "-u" : "-A", "--sparse");
    if (!pathspecs.empty()) all.add("--");
    for (std::string& pathspec : pathspecs)
        all.add(std::move(pathspec));
    auto staged = co_await whole_answer(std::move(all));
    if (!staged) co_return staged.error();
    if (!others || others->empty()) co_return result<void>();
    command rest = prepared();
    rest.args("add", "-f", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul");
    rest.set("GIT_LITERAL_PATHSPECS", "1");
    rest.feed(joined(*others));
    staged = co_await whole_answer(std::move(rest));
    if (!staged) co_return staged.error();
    co_return result<void>();
}

awaitable<result<std::vector<std::string>>> ignored_among(const repository& repo, workplace place,
                                                          std::vector<std::string> paths)
{
    if (paths.empty() || !place.work_tree) co_return std::vector<std::string>();
    if (!place.ignored_by.empty()) co_return co_await ignored_by_former_rules(repo, place, std::move(paths));
    command ask = place.git(repo, {"check-ignore", "-z", "--stdin"});
    const auto words = ask.words();
    ask.feed(joined(paths));
    auto output = co_await run(std::move(ask));
    if (!output) co_return output.error();
    const bool none = output->status == exit_status(exited{1});
    if (!output->ok() && !none) co_return git_failed(words, *output);
    co_return records_of(output->out);
}

} // namespace graftline::git
