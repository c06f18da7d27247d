#include "tests/effects/simulated_world.hpp"

#include <algorithm>
#include <iterator>

namespace graftline::test {

using effects::journal_event;
using effects::journal_record;

namespace {

constexpr const char* ends[] = {"done", "crashed", "stopped", "unwritten", "diverged", "hung"};

std::string to_text(const life_report& life)
{
    std::string text =
        std::string("  ") + ends[static_cast<int>(life.how)] + ", " + std::to_string(life.begun) + " begun:";
    for (const auto& one : life.seen)
        text += (one.is_outcome ? "\n    = " : "\n    - ") + one.text;
    return text + "\n";
}

/// What the program saw up to and with its outcome number `outcomes`.
std::vector<observation> first_of(const std::vector<observation>& seen, std::size_t outcomes)
{
    std::vector<observation> first;
    for (const auto& one : seen) {
        if (outcomes == 0) break;
        first.push_back(one);
        if (one.is_outcome) --outcomes;
    }
    return first;
}

std::size_t delivered_in(const std::vector<journal_record>& records)
{
    return static_cast<std::size_t>(
        std::ranges::count(records, journal_event::delivered, &journal_record::event));
}

std::string list_of(const std::vector<journal_record>& records)
{
    std::string text;
    for (const auto& r : records)
        text += "    " + std::string(to_string(r.event)) + " " + r.path + " " + r.kind + " " +
                std::to_string(r.detail) + " " + r.body + "\n";
    return text;
}

/// The schedule of a seed, life after life.
class checked {
public:
    checked(dice random, part program, kept_records& kept)
        : random_(random), kept_(kept), program_(std::move(program))
    {
    }

    std::string whole()
    {
        for (int lives = 0; lives < 40; ++lives) {
            life_plan plan;
            if (lives > 20) plan = {false, false, false, -1};
            const auto now = next(plan);
            if (!wrong_.empty()) return wrong_;
            if (now.how == life_report::end::done) return afterwards(now);
        }
        return say("it does not end", {});
    }

private:
    life_report next(const life_plan& plan)
    {
        auto now = live(program_, random_, kept_, plan);
        if (!now.wrong.empty()) say(now.wrong, now);
        if (now.how == life_report::end::hung) say("nothing goes on any more", now);
        if (now.how == life_report::end::diverged) say("its own record is refused", now);
        if (!repeats(now)) say("what was delivered before is not delivered again as it was", now);
        lives_ += to_text(now);
        const auto records = kept_.read();
        const auto there = delivered_in(records);
        const auto outcomes =
            static_cast<std::size_t>(std::ranges::count(now.seen, true, &observation::is_outcome));
        if (outcomes < there) return now; // it ended before all had been delivered again
        before_ = first_of(now.seen, there);
        strictly_ = std::min(now.stopped_at.value_or(before_.size()), before_.size());
        return now;
    }

    /// What was delivered before comes again in the same order, as far as the life went; and all that the
    /// program saw in between, where it was not being stopped.
    bool repeats(const life_report& now) const
    {
        auto same = [&](auto one, auto one_end, auto other, auto other_end) {
            for (; one != one_end && other != other_end; ++one, ++other)
                if (*one != *other) return false;
            return other == other_end || now.how != life_report::end::done;
        };
        const auto strict = before_.begin() + static_cast<std::ptrdiff_t>(strictly_);
        const auto reached = std::min(strictly_, now.seen.size());
        const auto rest = now.seen.begin() + static_cast<std::ptrdiff_t>(reached);
        const auto is_outcome = [](const observation& o) { return o.is_outcome; };
        std::vector<observation> again, wanted;
        std::copy_if(rest, now.seen.end(), std::back_inserter(again), is_outcome);
        std::copy_if(strict, before_.end(), std::back_inserter(wanted), is_outcome);
        return same(now.seen.begin(), rest, before_.begin(), strict) &&
               same(again.begin(), again.end(), wanted.begin(), wanted.end());
    }

    /// Replayed once more, nothing is carried out and all is seen again; a program that differs is refused.
    std::string afterwards(const life_report& ended)
    {
        const life_plan calm{false, false, false, -1};
        const auto again = live(program_, random_, kept_, calm);
        if (again.begun > 0) return say("carried out again after the end", again);
        if (again.seen != ended.seen) return say("ends otherwise when replayed", again);
        const auto records = kept_.read();
        if (records.empty()) return {};
        std::vector<int> asked;
        for (const auto& r : records)
            if (r.event == journal_event::requested && r.kind != "external") asked.push_back(id_in(r.body));
        if (asked.empty()) return {};
        life_plan other = calm;
        other.altered = asked[random_.roll(asked.size())];
        const auto refused = live(program_, random_, kept_, other);
        if (refused.how != life_report::end::diverged)
            return say("a program that differs is not refused", refused);
        if (refused.begun > 0) return say("a program that differs carries effects out", refused);
        if (kept_.read().size() != records.size()) return say("a program that differs is recorded", refused);
        return {};
    }

    static int id_in(const std::string& arguments)
    {
        const auto at = arguments.find("\"id\":");
        return at == std::string::npos ? 0 : std::stoi(arguments.substr(at + 5));
    }

    std::string say(const std::string& what, const life_report& now)
    {
        if (wrong_.empty())
            wrong_ = what + "\n  " + test::to_text(program_) + "\n" + lives_ + to_text(now) +
                     "  on record:\n" + list_of(kept_.read());
        return wrong_;
    }

    dice random_;
    kept_records& kept_;
    part program_;
    std::vector<observation> before_; ///< what must be seen again
    std::size_t strictly_ = 0;        ///< so much of it with all that is no outcome
    std::string lives_;
    std::string wrong_;
};

} // namespace

std::string check_schedule(std::uint64_t seed, kept_records& kept)
{
    dice random(seed);
    auto program = program_of(random);
    return checked(random, std::move(program), kept).whole();
}

std::string check_schedule_of(const part& program, std::uint64_t seed, kept_records& kept)
{
    return checked(dice(seed), program, kept).whole();
}

} // namespace graftline::test
