#include "graftline/git/rules/noted_rules.hpp"

#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/git_settings.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/rules/furnished.hpp"
#include "graftline/git/rules/noted_programs.hpp"
#include "graftline/runtime/async/offload.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string_view>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// In git's record of a worktree.
constexpr const char* folder_name = "graftline-rules";

/// In that folder: settings as git prints them, and as a configuration file; texts of files outside the tree.
constexpr const char* settings_name = "settings";
constexpr const char* configuration_name = "config";
constexpr const char* excludes_name = "excludes";
constexpr const char* info_exclude_name = "info-exclude";
// What "excludes" says, and what was put into the worktree: all of it, and what nobody has edited.
constexpr const char* ignored_name = "ignored";
constexpr const char* ignored_unless_edited_name = "ignored-unless-edited";
// The configuration that agents' gits include in the worktree alone.
constexpr const char* included_name = "included";
constexpr const char* attributes_name = "attributes";
constexpr const char* info_attributes_name = "info-attributes";
// The files behind filters and hooks, and the commit that was checked out when they were first noted.
constexpr const char* programs_name = "programs";
constexpr const char* commit_name = "commit";

fs::path own_lines_file(const repository& repo)
{
    return repo.state_folder() / "kept-out";
}

/// Is a file's name in capitals that of another file there? Looks at `.git`, which every worktree has.
bool tells_case_apart(const fs::path& worktree)
{
    std::error_code failed;
    return fs::exists(fs::symlink_status(worktree / ".git", failed)) &&
           !fs::exists(fs::symlink_status(worktree / ".GIT", failed));
}

/// As git finds them in the worktree. One git process at most: none where all worktrees have the same.
awaitable<result<rule_settings>> rules_in_force(repository& repo, fs::path record, fs::path worktree)
{
    const auto shared = co_await known_settings::of(repo).now(repo);
    if (!shared) co_return shared.error();
    if (!(*shared)->rules.may_differ_by_worktree) co_return (*shared)->rules;
    const auto listed = co_await repo.ask("--git-dir=" + record.string(), "config", "--list", "-z");
    if (!listed) co_return listed.error();
    co_return rules_among(settings_in(records_of(*listed), false), worktree);
}

bool is_of_tree(const setting_values& values, const char* key)
{
    const auto set = values.find(key);
    return set != values.end() && names_file_of_tree(set->second);
}

/// Where git looks for hooks; relative when that is in the tree.
awaitable<result<fs::path>> hooks_in_force(repository& repo)
{
    const auto known = co_await known_settings::of(repo).now(repo);
    if (!known) co_return known.error();
    const fs::path hooks = (*known)->hooks.lexically_normal();
    const fs::path top = repo.git().folder();
    const auto is_below = [&](const fs::path& folder) {
        const fs::path way = hooks.lexically_relative(folder);
        return !way.empty() && *way.begin() != "..";
    };
    co_return is_below(top) && !is_below(repo.common_dir()) ? hooks.lexically_relative(top) : hooks;
}

awaitable<result<std::string>> programs_in_force(repository& repo, fs::path noted, fs::path worktree)
{
    const auto hooks = co_await hooks_in_force(repo);
    if (!hooks) co_return hooks.error();
    auto look = [&] {
        return programs_now(settings_in(records_of(text_of(noted / settings_name)), false), *hooks, worktree);
    };
    co_return co_await offload(look);
}

/// The commit that a worktree is at; empty when that cannot be told.
awaitable<std::string> commit_of(repository& repo, fs::path record)
{
    const std::string branch = head_ref_in(record);
    if (branch.empty()) co_return text_of(record / "HEAD").substr(0, repo.can().oid_digits());
    const auto tip = co_await read_ref(repo, branch);
    co_return tip && *tip ? (*tip)->hex() : std::string();
}

/// Adds the programs that are not what was noted.
awaitable<result<void>> find_programs(repository& repo, workplace& place, fs::path noted, rule_changes& found)
{
    const auto was = text_if_there(noted / programs_name);
    if (!was) co_return was.error();
    if (was->empty()) co_return result<void>(); // of a time when none were noted
    const auto is = co_await programs_in_force(repo, noted, place.work_tree.value_or(place.git_dir));
    if (!is) co_return is.error();
    changed_programs changed = compare_programs(*was, *is);
    found.programs = std::move(changed.filters);
    found.hooks = std::move(changed.hooks);
    if (!found.programs.empty()) place.distrusted_since = text_of(noted / commit_name);
    co_return result<void>();
}

/// The text of the file that a setting names. One of the tree is the task's own.
std::string text_outside_tree(const setting_values& values, const char* key, const fs::path& file)
{
    return is_of_tree(values, key) ? std::string() : text_of(file);
}

/// The lines that mean something and are not ours.
std::vector<std::string> meaning_of(const std::string& rules, const std::vector<std::string>& ours = {})
{
    auto lines = records_of(rules, '\n');
    std::erase_if(lines, [&](const std::string& line) {
        return line.empty() || line.starts_with('#') || std::ranges::find(ours, line) != ours.end();
    });
    return lines;
}

std::string as_records(const setting_values& values)
{
    std::vector<std::string> records;
    for (const auto& [key, value] : values)
        records.push_back(key + "\n" + value);
    return joined(records);
}

void add_changed_keys(const setting_values& noted, const setting_values& today, rule_changes& changes)
{
    setting_values either = noted;
    either.insert(today.begin(), today.end());
    for (const auto& [key, value] : either) {
        const auto was = noted.find(key);
        const auto is = today.find(key);
        if (was != noted.end() && is != today.end() && was->second == is->second) continue;
        if (key == "core.excludesfile" || key == "core.attributesfile") continue; // what they say is compared
        (is_conversion(key) ? changes.converting : changes.seeing).push_back(key);
    }
}

/// What was noted, and what counts today.
class comparison {
public:
    comparison(const repository& repo, fs::path noted, rule_settings today, copied_edits edits)
        : noted_(std::move(noted)), today_(std::move(today)), info_(repo.common_dir() / "info"),
          own_(own_lines_file(repo)),
          ignored_(noted_ / (edits == copied_edits::are_kept ? ignored_unless_edited_name : ignored_name))
    {
    }

    result<rule_changes> changes()
    {
        const auto settings = text_if_there(noted_ / settings_name);
        if (!settings) return settings.error();
        was_ = settings_in(records_of(*settings), false);
        rule_changes found;
        add_changed_keys(was_, today_.values, found);
        const auto ours = records_of(text_of(own_), '\n');
        if (meaning_of(text_of(noted_ / info_exclude_name), ours) !=
            meaning_of(text_of(info_ / "exclude"), ours))
            found.seeing.push_back((info_ / "exclude").string());
        if (differs(excludes_name, "core.excludesfile", today_.excludes))
            found.seeing.push_back("core.excludesFile");
        if (differs(attributes_name, "core.attributesfile", today_.attributes))
            found.attributes.push_back("core.attributesFile");
        if (meaning_of(text_of(noted_ / info_attributes_name)) != meaning_of(text_of(info_ / "attributes")))
            found.unheld.push_back((info_ / "attributes").string());
        found.attributes.insert(found.attributes.end(), found.unheld.begin(), found.unheld.end());
        std::ranges::copy_if(found.converting, std::back_inserter(found.unheld),
                             [&](const std::string& key) { return replaces_driver(key); });
        return found;
    }

    /// For git: on a command line they win over all that files say.
    std::vector<std::string> words() const
    {
        std::vector<std::string> given{"-c", "include.path=" + (noted_ / configuration_name).string()};
        if (!is_of_tree(was_, "core.excludesfile"))
            given.insert(given.end(), {"-c", "core.excludesFile=" + ignored_.string()});
        if (!is_of_tree(was_, "core.attributesfile"))
            given.insert(given.end(), {"-c", "core.attributesFile=" + (noted_ / attributes_name).string()});
        const auto against = words_against_new(was_, today_.values);
        given.insert(given.end(), against.begin(), against.end());
        return given;
    }

    /// The files with rules of what is ignored that count instead of those of today, weakest first.
    std::vector<fs::path> ignoring(const fs::path& worktree) const
    {
        const auto set = was_.find("core.excludesfile");
        std::vector<fs::path> files;
        if (is_of_tree(was_, "core.excludesfile")) files.push_back(worktree / set->second);
        files.insert(files.end(), {ignored_, noted_ / info_exclude_name, own_});
        std::error_code failed;
        std::erase_if(files, [&](const fs::path& file) { return !fs::exists(file, failed); });
        return files;
    }
    bool ignores_otherwise(const rule_changes& found) const
    {
        return std::ranges::find(found.seeing, (info_ / "exclude").string()) != found.seeing.end();
    }

private:
    /// A `process` that is new: git takes even an empty one instead of the driver's other commands.
    bool replaces_driver(const std::string& key) const
    {
        constexpr std::string_view name = ".process";
        if (!key.ends_with(name) || was_.contains(key)) return false;
        const std::string driver = key.substr(0, key.size() - name.size());
        return was_.contains(driver + ".clean") || was_.contains(driver + ".smudge");
    }

    bool differs(const char* name, const char* key, const fs::path& file) const
    {
        if (is_of_tree(was_, key) || is_of_tree(today_.values, key)) {
            const auto was = was_.find(key);
            const auto is = today_.values.find(key);
            return was == was_.end() || is == today_.values.end() || was->second != is->second;
        }
        return meaning_of(text_of(noted_ / name)) != meaning_of(text_of(file));
    }

    fs::path noted_;
    rule_settings today_;
    fs::path info_;
    fs::path own_;
    fs::path ignored_;
    setting_values was_;
};

result<void> write_if_new(const fs::path& file, const std::string& text)
{
    std::error_code failed;
    if (fs::exists(file, failed) && text_of(file) == text) return {};
    return replace_file(file, text);
}

/// What is ignored beside the tree's own rules and info/exclude.
result<void> write_ignored(const fs::path& noted, const fs::path& worktree)
{
    std::string text = text_of(noted / excludes_name);
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
    std::string unless_edited = text;
    for (const furnished_path& one : furnished_in(noted.parent_path(), worktree)) {
        const std::string line = exclude_pattern(one.path) + '\n';
        text += line;
        if (one.is_as_it_was) unless_edited += line;
    }
    auto written = write_if_new(noted / ignored_name, text);
    if (!written) return written;
    return write_if_new(noted / ignored_unless_edited_name, unless_edited);
}

} // namespace

std::vector<std::string> rule_changes::all() const
{
    std::vector<std::string> every = seeing;
    every.insert(every.end(), converting.begin(), converting.end());
    every.insert(every.end(), attributes.begin(), attributes.end());
    return every;
}

filter_drivers with_noted(filter_drivers known, const fs::path& record)
{
    const auto noted = settings_in(records_of(text_of(record / folder_name / settings_name)), false);
    for (const auto& [key, value] : noted)
        add_driver(known, key);
    return known;
}

fs::path noted_attributes(const fs::path& record)
{
    return record / folder_name / info_attributes_name;
}

awaitable<result<void>> note_rules(repository& repo, fs::path record, fs::path worktree)
{
    const auto rules = co_await rules_in_force(repo, record, worktree);
    if (!rules) co_return rules.error();
    const fs::path folder = record / folder_name;
    std::error_code failed;
    fs::create_directories(folder, failed);
    if (failed) co_return system_fault(failed.value(), "cannot make " + folder.string());
    const fs::path info = repo.common_dir() / "info";
    setting_values held = rules->values;
    // Where names differ by case alone, git would not see the one file for the other.
    if (tells_case_apart(worktree)) held.erase("core.ignorecase");
    // The configuration last: where it is, all is.
    for (const auto& [name, text] : std::initializer_list<std::pair<const char*, std::string>>{
             {settings_name, as_records(rules->values)},
             {excludes_name, text_outside_tree(rules->values, "core.excludesfile", rules->excludes)},
             {attributes_name, text_outside_tree(rules->values, "core.attributesfile", rules->attributes)},
             {info_exclude_name, text_of(info / "exclude")},
             {info_attributes_name, text_of(info / "attributes")},
             {configuration_name, configuration_of(held)}}) {
        auto written = replace_file(folder / name, text);
        if (!written) co_return written;
    }
    if (auto written = write_ignored(folder, worktree); !written) co_return written;
    co_return result<void>();
}

awaitable<result<void>> note_programs(repository& repo, fs::path record, fs::path worktree)
{
    const fs::path folder = record / folder_name;
    std::error_code failed;
    if (!fs::exists(folder / configuration_name, failed)) co_return result<void>();
    const auto programs = co_await programs_in_force(repo, folder, worktree);
    if (!programs) co_return programs.error();
    if (!fs::exists(folder / commit_name, failed)) {
        auto written = replace_file(folder / commit_name, co_await commit_of(repo, record));
        if (!written) co_return written;
    }
    co_return replace_file(folder / programs_name, *programs);
}

result<fs::path> ignored_beside_tree(const fs::path& record, const fs::path& worktree)
{
    const fs::path noted = record / folder_name;
    const auto values = settings_in(records_of(text_of(noted / settings_name)), false);
    std::error_code failed;
    if (!fs::exists(noted / configuration_name, failed) || is_of_tree(values, "core.excludesfile"))
        return fs::path();
    if (auto written = write_ignored(noted, worktree); !written) return written.error();
    return noted / ignored_name;
}

/// A configuration in which that file is core.excludesFile.
static std::string excluding(const fs::path& file)
{
    std::string text = "[core]\n\texcludesFile = \"";
    for (const char c : file.string()) {
        if (c == '"' || c == '\\') text += '\\';
        text += c;
    }
    return text + "\"\n";
}

result<std::optional<variable>> ignoring_setting(const fs::path& record, const fs::path& worktree)
{
    const auto ignored = ignored_beside_tree(record, worktree);
    if (!ignored) return ignored.error();
    if (ignored->empty()) return std::optional<variable>();
    std::error_code failed;
    const std::string real = fs::weakly_canonical(record, failed).string();
    if (failed || real.find('\n') != real.npos) // no key can hold that
        return std::optional<variable>({"core.excludesFile", ignored->string()});
    const fs::path included = record / folder_name / included_name;
    auto written = write_if_new(included, excluding(*ignored));
    if (!written) return written.error();
    std::string pattern; // gitdir takes wildcards
    for (const char c : real) {
        if (std::string_view("*?[]\\").find(c) != std::string_view::npos) pattern += '\\';
        pattern += c;
    }
    return std::optional<variable>({"includeIf.gitdir:" + pattern + ".path", included.string()});
}

std::vector<std::string> words_inside(std::vector<std::string> words)
{
    constexpr std::string_view key = "core.excludesFile=";
    for (std::string& word : words)
        if (word.starts_with(key))
            word =
                std::string(key) + (fs::path(word.substr(key.size())).parent_path() / excludes_name).string();
    return words;
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

awaitable<result<rule_changes>> hold_rules(repository& repo, workplace& place, copied_edits edits)
{
    const fs::path noted = place.git_dir / folder_name;
    std::error_code failed;
    if (!place.shares_refs || !fs::exists(noted / configuration_name, failed)) co_return rule_changes();
    const fs::path worktree = place.work_tree.value_or(place.git_dir);
    if (auto written = write_ignored(noted, worktree); !written) co_return written.error();
    auto today = co_await rules_in_force(repo, place.git_dir, worktree);
    if (!today) co_return today.error();
    comparison compared(repo, noted, std::move(*today), edits);
    auto found = compared.changes();
    if (!found) co_return found;
    place.rules = compared.words();
    place.ignored_by =
        compared.ignores_otherwise(*found) ? compared.ignoring(worktree) : std::vector<fs::path>();
    place.as_bytes = !found->keeps_conversions();
    if (auto looked = co_await find_programs(repo, place, noted, *found); !looked) co_return looked.error();
    co_return found;
}

} // namespace graftline::git
