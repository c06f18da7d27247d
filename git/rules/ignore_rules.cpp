#include "graftline/git/rules/ignore_rules.hpp"

#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/whole_answer.hpp"

#include <algorithm>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

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

awaitable<result<void>> note_new_files(const repository& repo, workplace place, fs::path index)
{
    // By name: for a whole folder git looks into submodules, too, and so runs what those name.
    auto others = co_await untracked_in(repo, place, index);
    if (!others) co_return others.error();
    if (!place.ignored_by.empty())
        std::erase_if(*others, [](const auto& path) { return path.ends_with('/'); });
    for (std::string& path : *others)
        if (path.ends_with('/')) path.pop_back(); // a repository of its own
    if (others->empty()) co_return result<void>();
    command note = place.git(
        repo, {"add", "--intent-to-add", "-f", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul"});
    note.set("GIT_INDEX_FILE", index.string());
    note.set("GIT_LITERAL_PATHSPECS", "1").feed(joined(*others));
    auto noted = co_await whole_answer(std::move(note));
    if (!noted) co_return noted.error();
    co_return result<void>();
}

/// Names that would be git's own folder on some system: git's words for them lack a next step.
static fault why_not_staged(fault why)
{
    constexpr std::string_view key = "invalid path '";
    for (const auto& [about, words] : why.context()) {
        const auto named = about == "git says" ? words.find(key) : words.npos;
        if (named == words.npos) continue;
        const auto begin = named + key.size();
        const std::string path = words.substr(begin, words.find("'\n", begin) - begin);
        return fault(errc::refused, "git takes no file of this name: " + path)
            .with("git says", words)
            .advise(
                "On some systems it would be git's own folder. Rename it, move it away, or have it ignored; "
                "then try again.");
    }
    return why;
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
    if (!staged) co_return why_not_staged(staged.error());
    if (!others || others->empty()) co_return result<void>();
    command rest = prepared();
    rest.args("add", "-f", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul");
    rest.set("GIT_LITERAL_PATHSPECS", "1");
    rest.feed(joined(*others));
    staged = co_await whole_answer(std::move(rest));
    if (!staged) co_return why_not_staged(staged.error());
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
