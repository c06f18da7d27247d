#include "graftline/effects/radar/radar.hpp"

#include "graftline/effects/worktree/follow_worktree.hpp"
#include "graftline/git/objects/tree_differences.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/runtime/async/parallel.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <thread>

namespace graftline::effects {
namespace {

bool has_worktree(const task& t)
{
    return !t.worktree.empty();
}

std::string why_not(const fault& f)
{
    std::string why = f.what();
    const auto context = f.context();
    for (const auto& [name, value] : context)
        if (name == "git says") why += ": " + value;
    return why;
}

} // namespace

bool is_live(const task& t)
{
    return !is_over(t.state) && t.undone.empty() && (!t.branch.empty() || has_worktree(t));
}

std::string to_sentence(const overlap& found)
{
    std::string text =
        found.a + " and " + (found.b.empty() ? "its target " + found.target : found.b) + " will conflict";
    if (found.paths.empty()) return text;
    text += " in " + found.paths.front();
    const auto more = found.paths.size() - 1;
    if (more > 0) text += " and " + std::to_string(more) + (more == 1 ? " more file" : " more files");
    return text;
}

/// The commit that stands for a task at this moment.
awaitable<result<git::oid>> radar::see(task t, const git::filter_drivers& filters, forecast& into)
{
    if (!has_worktree(t)) {
        seen_.erase(t.id);
        auto tip = co_await git::read_ref(project_.repository(), "refs/heads/" + t.branch);
        if (!tip) co_return tip.error();
        if (!*tip) co_return fault(errc::not_found, "its branch is gone");
        co_return **tip;
    }
    if (!t.worktree_ready) co_return fault(errc::refused, "its worktree is not ready");
    std::optional<git::present_work> before;
    if (const auto known = seen_.find(t.id); known != seen_.end()) before = known->second;
    const auto now = located(project_.repository(), t);
    if (!now) co_return now.error();
    auto found = co_await git::look_at_work(project_.repository(), now->worktree, filters, std::move(before));
    if (!found) {
        seen_.erase(t.id);
        co_return found.error();
    }
    for (const auto& left_out : found->left_out)
        into.not_checked.push_back(t.id + ": " + left_out);
    const git::oid commit = found->commit;
    seen_.insert_or_assign(t.id, std::move(*found));
    co_return commit;
}

awaitable<result<std::vector<radar::side>>> radar::see(std::vector<task> tasks, forecast& into)
{
    std::erase_if(tasks, [](const task& t) { return !is_live(t); });
    std::set<std::string> present;
    for (const auto& t : tasks)
        present.insert(t.id);
    std::erase_if(seen_, [&](const auto& known) { return !present.contains(known.first); });
    std::vector<side> sides;
    if (tasks.empty()) co_return sides;
    const auto filters = co_await git::find_filters(project_.repository());
    if (!filters) co_return filters.error();
    auto look = [&](task t) { return see(std::move(t), *filters, into); };
    auto outcomes = co_await parallel::map(tasks, look, parallel::options().limit(at_once_));
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        auto commit = std::move(outcomes[i]).value();
        if (commit)
            sides.push_back({std::move(tasks[i]), std::move(*commit)});
        else
            into.not_checked.push_back(tasks[i].id + ": " + why_not(commit.error()));
    }
    into.tasks = sides.size();
    co_return sides;
}

awaitable<std::map<std::string, git::oid>> radar::targets_of(const std::vector<side>& sides, forecast& into)
{
    std::map<std::string, git::oid> tips;
    std::set<std::string> asked;
    for (const auto& one : sides) {
        const std::string target = target_of(one.of);
        if (target.empty() || !asked.insert(target).second) continue;
        const auto tip = co_await git::read_ref(project_.repository(), "refs/heads/" + target);
        if (tip && *tip)
            tips.emplace(target, **tip);
        else
            into.not_checked.push_back(target + ": " +
                                       (tip ? "there is no such branch" : why_not(tip.error())));
    }
    co_return tips;
}

/// Fills `known_`: what nobody asks for any more is forgotten, what is missing is merged.
awaitable<void> radar::merge(std::vector<pair_key> wanted)
{
    const std::set<pair_key> asked(wanted.begin(), wanted.end());
    std::erase_if(known_, [&](const auto& one) { return !asked.contains(one.first); });
    std::erase_if(wanted, [&](const auto& one) { return known_.contains(one); });
    std::vector<std::filesystem::path> objects;
    for (const auto& [id, work] : seen_)
        if (!work.objects.empty()) objects.push_back(work.objects);
    for (std::size_t at = 0; at < wanted.size(); at += pairs_a_job) {
        std::vector<git::merge_question> questions;
        for (std::size_t n = at; n < std::min(wanted.size(), at + pairs_a_job); ++n)
            questions.push_back({wanted[n].first, wanted[n].second});
        auto answers = co_await git::merge_pairs(project_.repository(), std::move(questions), objects);
        for (std::size_t n = 0; n < answers.size(); ++n) {
            if (answers[n])
                known_.insert_or_assign(wanted[at + n], std::move(answers[n]->conflicts));
            else
                known_.insert_or_assign(wanted[at + n], answers[n].error());
        }
    }
}

/// The paths that a task itself has changed, as far as its recorded base tells.
awaitable<result<std::vector<std::string>>> radar::touched_by(const side& one)
{
    const auto known = touched_.find(one.of.id);
    if (known != touched_.end() && known->second.first == one.commit) co_return known->second.second;
    std::vector<std::filesystem::path> objects;
    if (const auto work = seen_.find(one.of.id); work != seen_.end() && !work->second.objects.empty())
        objects.push_back(work->second.objects);
    const git::tree_reader reader(project_.repository(), std::move(objects));
    auto differences = co_await reader.compare(one.of.base, one.commit.hex());
    if (!differences) co_return differences.error();
    std::vector<std::string> paths;
    for (const auto& [path, sides] : *differences)
        paths.push_back(path);
    touched_.insert_or_assign(one.of.id, std::pair(one.commit, paths));
    co_return paths;
}

/// Where one task conflicts with what has landed and the other merely has that already, the two do not
/// conflict: the target has been named for it.
awaitable<overlap> radar::without_the_targets(overlap found, const side& a, const side& b,
                                              const std::map<std::string, git::oid>& targets)
{
    const auto tip = targets.find(found.target);
    if (tip == targets.end()) co_return found;
    for (const auto& [one, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
        const auto known = known_.find({tip->second, one->commit});
        if (known == known_.end() || !known->second || known->second->empty() || other->of.base.empty())
            continue;
        const auto paths = co_await touched_by(*other);
        if (!paths) continue;
        overlap left = found;
        left.paths.clear();
        left.kinds.clear();
        for (std::size_t n = 0; n < found.paths.size(); ++n) {
            const auto& path = found.paths[n];
            const bool with_target = std::ranges::any_of(
                *known->second, [&](const auto& conflict) { return conflict.path == path; });
            if (with_target && !std::ranges::binary_search(*paths, path)) continue;
            left.paths.push_back(path);
            left.kinds.push_back(found.kinds[n]);
        }
        found = std::move(left);
    }
    co_return found;
}

awaitable<result<forecast>> radar::look(std::vector<task> tasks)
{
    const auto began = std::chrono::steady_clock::now();
    forecast seen;
    const auto sides = co_await see(std::move(tasks), seen);
    if (!sides) co_return sides.error();
    const auto targets = co_await targets_of(*sides, seen);

    struct question {
        const side* a;
        const side* b; // null: the target
        pair_key commits;
    };
    std::vector<question> questions;
    const auto has_work = [](const side& one) { return one.commit.hex() != one.of.base; };
    for (std::size_t i = 0; i < sides->size(); ++i) {
        const side& one = (*sides)[i];
        if (!has_work(one)) continue;
        if (const auto tip = targets.find(target_of(one.of)); tip != targets.end())
            questions.push_back({&one, nullptr, {tip->second, one.commit}});
        for (std::size_t j = i + 1; j < sides->size(); ++j)
            if (has_work((*sides)[j]) && target_of((*sides)[j].of) == target_of(one.of))
                questions.push_back({&one, &(*sides)[j], {one.commit, (*sides)[j].commit}});
    }
    seen.pairs = questions.size();
    std::vector<pair_key> wanted;
    for (const auto& q : questions) {
        if (!known_.contains(q.commits)) ++seen.merges;
        wanted.push_back(q.commits);
    }
    co_await merge(std::move(wanted));

    for (const auto& q : questions) {
        const auto& answer = known_.at(q.commits);
        const std::string b = q.b ? q.b->of.id : std::string();
        if (!answer) {
            seen.not_checked.push_back(q.a->of.id + " with " + (q.b ? b : target_of(q.a->of)) + ": " +
                                       why_not(answer.error()));
            continue;
        }
        if (answer->empty()) continue;
        overlap found{q.a->of.id, b, target_of(q.a->of), {}, {}};
        for (const auto& conflict : *answer) {
            found.paths.push_back(conflict.path);
            found.kinds.push_back(conflict.kind);
        }
        if (q.b) found = co_await without_the_targets(std::move(found), *q.a, *q.b, targets);
        if (!found.paths.empty()) seen.overlaps.push_back(std::move(found));
    }
    seen.milliseconds =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
    co_return seen;
}

awaitable<result<forecast>> forecast_conflicts(project& in, std::vector<task> tasks)
{
    radar all(in, std::max(2u, std::thread::hardware_concurrency()));
    co_return co_await all.look(std::move(tasks));
}

} // namespace graftline::effects
