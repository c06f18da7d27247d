#include "graftline/effects/overlap_order.hpp"

#include "graftline/agents/text/globs.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace graftline::effects {
namespace {

/// A set of tasks, by their places in the list.
class task_set {
public:
    explicit task_set(std::size_t tasks) : words_((tasks + 63) / 64) {}

    bool has(std::size_t one) const { return words_[one / 64] >> (one % 64) & 1; }
    void add(std::size_t one) { words_[one / 64] |= std::uint64_t{1} << (one % 64); }
    void add(const task_set& all)
    {
        for (std::size_t i = 0; i < words_.size(); ++i)
            words_[i] |= all.words_[i];
    }

private:
    std::vector<std::uint64_t> words_;
};

/// Which tasks each comes after, directly or through others.
class known_order {
public:
    explicit known_order(const std::vector<task>& tasks) : before_(tasks.size(), task_set(tasks.size()))
    {
        std::unordered_map<std::string_view, std::size_t> place_of;
        for (std::size_t i = 0; i < tasks.size(); ++i)
            place_of.emplace(tasks[i].id, i);
        std::vector<std::vector<std::size_t>> behind(tasks.size());
        std::vector<std::size_t> waits_for(tasks.size(), 0), ready;
        for (std::size_t i = 0; i < tasks.size(); ++i) {
            for (const auto& id : tasks[i].spec.after)
                if (const auto found = place_of.find(id); found != place_of.end()) {
                    behind[found->second].push_back(i);
                    ++waits_for[i];
                }
            if (waits_for[i] == 0) ready.push_back(i);
        }
        while (!ready.empty()) { // each after all that it comes after
            const auto one = ready.back();
            ready.pop_back();
            for (const auto next : behind[one]) {
                before_[next].add(before_[one]);
                before_[next].add(one);
                if (--waits_for[next] == 0) ready.push_back(next);
            }
        }
    }

    bool is_ordered(std::size_t a, std::size_t b) const { return before_[a].has(b) || before_[b].has(a); }

    /// Two that had no order.
    void add(std::size_t earlier, std::size_t later)
    {
        auto more = before_[earlier];
        more.add(earlier);
        for (std::size_t i = 0; i < before_.size(); ++i)
            if (i == later || before_[i].has(later)) before_[i].add(more);
    }

private:
    std::vector<task_set> before_;
};

/// All different globs of a list of tasks, and who names each.
class declared_files {
public:
    declared_files(const std::vector<task>& tasks, const std::atomic<bool>& stop) : globs_of_(tasks.size())
    {
        std::unordered_map<std::string_view, std::size_t> number_of;
        std::vector<agents::glob> globs;
        for (std::size_t i = 0; i < tasks.size(); ++i)
            for (const auto& text : tasks[i].spec.files) {
                const auto [found, fresh] = number_of.emplace(text, globs.size());
                if (fresh) {
                    globs.emplace_back(text);
                    named_by_.emplace_back(tasks.size());
                }
                named_by_[found->second].add(i);
                globs_of_[i].push_back(found->second);
            }
        overlapping_.resize(globs.size());
        for (std::size_t a = 0; a < globs.size() && !stop; ++a) {
            overlapping_[a].push_back(a);
            for (std::size_t b = 0; b < a && !stop; ++b)
                if (globs[a].overlaps(globs[b])) {
                    overlapping_[a].push_back(b);
                    overlapping_[b].push_back(a);
                }
        }
    }

    /// The tasks that name a file which this one names too, itself among them; empty when it names none.
    task_set sharing_with(std::size_t one) const
    {
        task_set all(globs_of_.size());
        std::vector<bool> taken(overlapping_.size());
        for (const auto mine : globs_of_[one])
            for (const auto other : overlapping_[mine])
                if (!taken[other]) {
                    taken[other] = true;
                    all.add(named_by_[other]);
                }
        return all;
    }

private:
    std::vector<std::vector<std::size_t>> globs_of_;    ///< by task
    std::vector<task_set> named_by_;                    ///< by glob
    std::vector<std::vector<std::size_t>> overlapping_; ///< by glob
};

} // namespace

void serialize_overlaps(std::vector<task>& tasks, const std::atomic<bool>& stop)
{
    const declared_files files(tasks, stop);
    known_order order(tasks);
    for (std::size_t later = 1; later < tasks.size() && !stop; ++later) {
        if (tasks[later].spec.files.empty()) continue;
        const auto shared = files.sharing_with(later);
        for (std::size_t earlier = later; earlier-- > 0;)
            if (shared.has(earlier) && !order.is_ordered(earlier, later)) {
                tasks[later].spec.after.push_back(tasks[earlier].id);
                order.add(earlier, later);
            }
    }
}

} // namespace graftline::effects
