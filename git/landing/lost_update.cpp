#include "graftline/git/landing/lost_update.hpp"

#include "graftline/git/commits/commit.hpp"
#include "graftline/git/merge/merge.hpp"
#include "graftline/git/objects/changed_lines.hpp"
#include "graftline/git/objects/loose_objects.hpp"
#include "graftline/git/objects/tree_differences.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/runtime/async/offload.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

using line_counts = std::map<std::string, int>;

line_counts count(const std::vector<std::string>& lines)
{
    line_counts counts;
    for (const auto& line : lines)
        ++counts[line];
    return counts;
}

int of(const line_counts& counts, const std::string& line)
{
    const auto found = counts.find(line);
    return found == counts.end() ? 0 : found->second;
}

/// Lines that a change brought and took away.
struct line_change {
    line_counts added;
    line_counts removed;
    void take(const line_change& other)
    {
        for (const auto& [line, times] : other.added)
            added[line] += times;
        for (const auto& [line, times] : other.removed)
            removed[line] += times;
    }
};

/// Empty lines and lone brackets say nothing about whose they are.
bool says_something(const std::string& line)
{
    return std::ranges::any_of(line, [](unsigned char c) { return std::isalnum(c) || c >= 0x80; });
}

bool is_binary(std::string_view text)
{
    return text.substr(0, 8000).find('\0') != text.npos;
}

/// The commit that stands for the task's start, or none where the landing can take nothing back.
awaitable<result<std::optional<oid>>> start_of(repository& repo, oid base, oid target, oid task)
{
    const auto has_base = co_await is_ancestor(repo, base, target);
    if (!has_base) co_return has_base.error();
    oid start = base;
    if (!*has_base) { // it holds what has not landed yet
        const auto older = co_await merge_bases(repo, base, target);
        if (!older) co_return older.error();
        if (older->empty()) co_return std::optional<oid>();
        start = older->front();
    }
    if (start == target) co_return std::optional<oid>(); // nothing has landed since
    const auto common = co_await merge_bases(repo, target, task);
    if (!common) co_return common.error();
    if (common->empty() || (common->size() == 1 && common->front() == start)) co_return std::optional<oid>();
    co_return std::optional<oid>(start);
}

/// The object directories that hold what two merges made; in-memory objects are written into `scratch`.
awaitable<result<std::vector<fs::path>>> lay_out(std::vector<new_objects> all, fs::path scratch)
{
    std::vector<fs::path> folders{scratch};
    for (const auto& made : all)
        if (made.folder) folders.push_back(made.folder->path());
    auto job = [&]() -> result<void> {
        for (const auto& made : all) {
            auto written = write_loose(made.in_memory, scratch);
            if (!written) return written;
        }
        return {};
    };
    auto written = co_await offload(job);
    if (!written) co_return written.error();
    co_return folders;
}

/// All that the comparison needs, read into memory.
struct evidence {
    tree_differences landed;  ///< the start -> the target: what landed
    tree_differences differs; ///< the honest merge -> the result
    tree_differences landing; ///< the target -> the result
    std::set<std::string> conflicts;
    std::map<oid, std::string> blobs;
    std::map<std::string, line_change> meant; ///< by path: what the task says it reverts

    std::string_view text(const path_entry& at) const
    {
        const auto found = blobs.find(at.id);
        return found == blobs.end() ? std::string_view() : std::string_view(found->second);
    }
    result<line_change> change(const std::pair<path_entry, path_entry>& sides) const
    {
        line_change all;
        if (!compares_by_line(sides.first) || !compares_by_line(sides.second)) return all;
        const auto runs = changed_lines(text(sides.first), text(sides.second));
        if (!runs) return runs.error();
        for (const auto& run : *runs)
            all.take({count(run.added), count(run.removed)});
        return all;
    }
    bool compares_by_line(const path_entry& at) const
    {
        return !at.is_there() || (at.is_file() && !is_binary(text(at)));
    }
};

void collect(const tree_differences& from, std::set<oid>& blobs)
{
    for (const auto& [path, sides] : from)
        for (const path_entry& one : {sides.first, sides.second})
            if (one.is_there() && one.mode != "160000") blobs.insert(one.id);
}

/// Finds what is undone in a set of files. Works on memory only, on the pool.
class inspection {
public:
    explicit inspection(evidence known) : known_(std::move(known)) {}

    result<std::vector<undone_lines>> inspect()
    {
        auto prepared = look_at_the_landing();
        if (!prepared) return prepared.error();
        std::vector<undone_lines> all;
        for (const auto& [path, sides] : known_.differs) {
            auto lines = inspect(path, sides.first, sides.second);
            if (!lines) return lines.error();
            if (!lines->empty()) all.push_back({path, std::move(*lines), {}});
        }
        return all;
    }

private:
    /// What the landing adds where, to recognise what was only moved, and what landed in files that the
    /// result does not have: it may go on under another name.
    result<void> look_at_the_landing()
    {
        for (const auto& [path, sides] : known_.landing) {
            auto change = known_.change(sides);
            if (!change) return change.error();
            for (const auto& [line, times] : change->added)
                added_by_landing_[line].insert(path);
            const auto landed = known_.landed.find(path);
            if (sides.second.is_there() || landed == known_.landed.end()) continue;
            auto gone = known_.change(landed->second);
            if (!gone) return gone.error();
            renamed_.take(*gone);
            for (const auto& [line, times] : count(lines_in(known_.text(sides.first))))
                of_renamed_[line] += times;
        }
        return {};
    }

    result<std::vector<std::string>> inspect(const std::string& path, const path_entry& honest,
                                             const path_entry& result_has)
    {
        const auto found = known_.landed.find(path);
        const bool conflicts = known_.conflicts.contains(path);
        if (found == known_.landed.end()) {
            if (conflicts || !honest.is_file() || !known_.compares_by_line(honest)) return no_lines();
            return lines_of(path, honest, result_has, renamed_, of_renamed_, false);
        }
        const auto& [old, landed] = found->second;
        if (result_has == landed || (conflicts && !honest.is_file())) return no_lines();
        const bool by_line = known_.compares_by_line(old) && known_.compares_by_line(landed) &&
                             known_.compares_by_line(honest) && known_.compares_by_line(result_has);
        if (!by_line) { // a link, a submodule, a binary file: as a whole
            if (honest != landed || result_has != old || known_.meant.contains(path)) return no_lines();
            return std::vector{landed.is_there() ? "+" + named(landed) : "-" + named(old)};
        }
        auto change = known_.change(found->second);
        if (!change) return change.error();
        auto lines =
            lines_of(path, honest, result_has, *change, count(lines_in(known_.text(landed))), conflicts);
        if (!lines) return lines.error();
        if (honest.is_there() && result_has.is_there() && honest.mode == landed.mode &&
            landed.mode != old.mode && result_has.mode == old.mode && !known_.meant.contains(path))
            lines->push_back("+mode " + landed.mode);
        return lines;
    }

    static result<std::vector<std::string>> no_lines() { return std::vector<std::string>(); }

    std::string named(const path_entry& one) const
    {
        if (one.mode == "160000") return "submodule at " + one.id.hex();
        if (one.mode == "120000") return "symbolic link to " + std::string(known_.text(one));
        return "binary contents " + one.id.hex();
    }

    /// The lines of one file. `landed`: what came to it and went from it since the start; `has`: how often
    /// the target has each line. A line counts as undone only if the result has fewer of it than the target,
    /// or more for one that comes back: comparing texts may line them up in another way than was meant.
    result<std::vector<std::string>> lines_of(const std::string& path, const path_entry& honest,
                                              const path_entry& result_has, const line_change& landed,
                                              const line_counts& has, bool conflicts) const
    {
        const auto runs = changed_lines(known_.text(honest), known_.text(result_has));
        if (!runs) return runs.error();
        const auto disputed = conflicts ? disputed_lines(known_.text(honest)) : std::set<std::size_t>();
        const line_counts stays = count(lines_in(known_.text(result_has)));
        const auto meant = known_.meant.find(path);
        const line_change none;
        const line_change& excused = meant == known_.meant.end() ? none : meant->second;
        std::vector<std::string> lines;
        for (const auto& run : *runs) {
            std::vector<std::string> here;
            std::size_t moved = 0;
            for (std::size_t at = 0; at < run.removed.size(); ++at) {
                const std::string& line = run.removed[at];
                if (disputed.contains(run.at + at) || of(landed.added, line) <= of(excused.added, line) ||
                    of(stays, line) >= of(has, line))
                    continue;
                here.push_back("+" + line);
                moved += is_added_elsewhere(line, path);
            }
            if (moved > 0 && 2 * moved >= here.size()) here.clear();
            const bool next_to_dispute = disputed.contains(run.at);
            for (const auto& line : run.added)
                if (!next_to_dispute && of(landed.removed, line) > of(excused.removed, line) &&
                    of(stays, line) > of(has, line))
                    here.push_back("-" + line);
            if (std::ranges::any_of(here, [](const auto& l) { return says_something(l.substr(1)); }))
                lines.insert(lines.end(), here.begin(), here.end());
        }
        return lines;
    }

    bool is_added_elsewhere(const std::string& line, const std::string& path) const
    {
        const auto found = added_by_landing_.find(line);
        return found != added_by_landing_.end() &&
               (found->second.size() > 1 || !found->second.contains(path));
    }

    /// The numbers of the lines between conflict markers, markers included.
    static std::set<std::size_t> disputed_lines(std::string_view text)
    {
        std::set<std::size_t> numbers;
        bool inside = false;
        std::size_t number = 0;
        for (const auto& line : lines_in(text)) {
            ++number;
            if (line.starts_with("<<<<<<<")) inside = true;
            if (inside) numbers.insert(number);
            if (line.starts_with(">>>>>>>")) inside = false;
        }
        return numbers;
    }

    evidence known_;
    std::map<std::string, std::set<std::string>> added_by_landing_; // line -> paths
    line_change renamed_;
    line_counts of_renamed_;
};

/// The commits that a message says are reverted.
std::vector<oid> reverted_in(std::string_view message)
{
    constexpr std::string_view words = "This reverts commit ";
    std::vector<oid> ids;
    for (auto at = message.find(words); at != message.npos; at = message.find(words, at + 1)) {
        const auto rest = message.substr(at + words.size());
        if (const auto id = oid::parse(rest.substr(0, rest.find_first_not_of("0123456789abcdef"))))
            ids.push_back(*id);
    }
    return ids;
}

/// What the task's own commits say that they revert, of what landed since the start.
awaitable<result<std::map<std::string, line_change>>> meant_reverts(repository& repo, oid start, oid target,
                                                                    oid task)
{
    std::map<std::string, line_change> meant;
    const auto own = co_await commits_between(repo, target, task);
    if (!own) co_return own.error();
    std::set<oid> reverted;
    for (const auto& commit : *own)
        for (const oid& id : reverted_in(commit.body))
            reverted.insert(id);
    const tree_reader reader(repo, {});
    for (const oid& id : reverted) {
        const auto landed = co_await is_ancestor(repo, id, target);
        const auto older = co_await is_ancestor(repo, id, start);
        if (!landed || !older || !*landed || *older) continue; // not one that this is about
        auto differences = co_await reader.compare(id.hex() + "^1", id.hex());
        if (!differences) co_return differences.error();
        std::set<oid> blobs;
        collect(*differences, blobs);
        auto texts = co_await reader.contents(std::move(blobs));
        if (!texts) co_return texts.error();
        evidence its;
        its.blobs = std::move(*texts);
        for (const auto& [path, sides] : *differences) {
            auto change = its.change(sides);
            if (!change) co_return change.error();
            meant[path].take(*change);
        }
    }
    co_return meant;
}

/// The newest commit of the target's own line that brought (or took away) the first telling line.
awaitable<std::string> landed_by(const tree_reader& reader, oid start, oid target, undone_lines undone)
{
    std::vector<std::string> words{"log",
                                   "--first-parent",
                                   "-m",
                                   "-1",
                                   "--format=%H",
                                   "--no-textconv",
                                   "--no-ext-diff",
                                   start.hex() + ".." + target.hex()};
    const auto telling =
        std::ranges::find_if(undone.lines, [](const auto& line) { return says_something(line.substr(1)); });
    std::vector<std::string> plain = words;
    for (auto* each : {&words, &plain})
        each->insert(each->end(), {"--", ":(top,literal)" + undone.path});
    if (telling != undone.lines.end()) words.insert(words.begin() + 4, "-S" + telling->substr(1));
    auto found = co_await repository::answer(reader.git(std::move(words)));
    if (!found || found->empty()) found = co_await repository::answer(reader.git(std::move(plain)));
    co_return found ? *found : std::string();
}

} // namespace

awaitable<result<std::vector<undone_lines>>> lines_undone(repository& repo, oid base, oid target_tip,
                                                          oid task_tip, oid merged_tree, new_objects made)
{
    const auto start = co_await start_of(repo, base, target_tip, task_tip);
    if (!start) co_return start.error();
    if (!*start) co_return std::vector<undone_lines>();
    const auto honest = co_await merge_on_base(repo, **start, target_tip, task_tip);
    if (!honest) co_return honest.error();
    if (honest->tree == merged_tree) co_return std::vector<undone_lines>();

    auto scratch = scratch_folder::make(repo, "undone");
    if (!scratch) co_return scratch.error();
    std::vector<new_objects> both{honest->objects, std::move(made)};
    auto folders = co_await lay_out(std::move(both), scratch->path());
    if (!folders) co_return folders.error();
    const tree_reader reader(repo, std::move(*folders));
    evidence known;
    auto landed = co_await reader.compare((*start)->hex(), target_tip.hex());
    if (!landed) co_return landed.error();
    auto differs = co_await reader.compare(honest->tree.hex(), merged_tree.hex());
    if (!differs) co_return differs.error();
    auto landing = co_await reader.compare(target_tip.hex(), merged_tree.hex());
    if (!landing) co_return landing.error();
    auto meant = co_await meant_reverts(repo, **start, target_tip, task_tip);
    if (!meant) co_return meant.error();
    std::set<oid> wanted;
    for (const auto* each : {&*landed, &*differs, &*landing})
        collect(*each, wanted);
    auto blobs = co_await reader.contents(std::move(wanted));
    if (!blobs) co_return blobs.error();
    known.landed = std::move(*landed);
    known.differs = std::move(*differs);
    known.landing = std::move(*landing);
    known.meant = std::move(*meant);
    known.blobs = std::move(*blobs);
    for (const auto& conflict : honest->conflicts)
        known.conflicts.insert(conflict.path);

    inspection look(std::move(known));
    auto undone = co_await offload([&look] { return look.inspect(); });
    if (!undone) co_return undone.error();
    for (auto& one : *undone)
        one.landed_by = co_await landed_by(reader, **start, target_tip, one);
    co_return undone;
}

} // namespace graftline::git
