/// Programs over scripted effects, whose ends, and whose crashes, a seed decides. Nothing real is touched: no
/// process, no repository, no time. Context, replay and journal are the real ones.
#pragma once

#include "graftline/effects/run/context.hpp"
#include "graftline/runtime/base/clock.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace graftline::effects {

/// What `project` and `run` let tests do: a run without repository and store.
class simulation {
public:
    static std::shared_ptr<run> begin(const asio::any_io_executor& loop,
                                      std::shared_ptr<journal_storage> storage, std::int64_t number,
                                      std::vector<journal_record> past);
};

} // namespace graftline::effects

namespace graftline::test {

/// The same numbers for the same seed everywhere, which the standard's distributions are not.
class dice {
public:
    explicit dice(std::uint64_t seed) : state_(seed) {}
    /// 0 to `sides` - 1.
    std::size_t roll(std::size_t sides);
    bool one_in(std::size_t n) { return roll(n) == 0; }

private:
    std::uint64_t state_;
};

/// A part of a program. Which fields count depends on its form.
struct part {
    enum class form { effect, sequence, map, race, section, pause };
    form is = form::sequence;
    int id = 0;
    std::vector<part> parts;
    bool is_pure = false;        // effect
    bool acts_on_faults = false; // effect: try_perform
    int tries = 1;               // effect: as long as it fails
    bool reads_shared = false;   // effect: what it asks for depends on what others did
    bool writes_shared = false;  // effect, map, race
    bool swallows = false;       // sequence: goes on after what its parts throw
    bool is_strict = false;      // map: throws what its first failed child threw
    bool fails_fast = false;     // map
    std::size_t limit = 0;       // map
    int priority = 0;            // section: waits for a place that the whole program has one of
};

/// A program of a few up to some dozen effects.
part program_of(dice& random);
/// As nested text, for a failure's message.
std::string to_text(const part& whole);

/// Where committed records are kept between the lives of a program's process.
class kept_records {
public:
    virtual ~kept_records() = default;
    virtual void add(const std::vector<effects::journal_record>& records) = 0;
    virtual std::vector<effects::journal_record> read() = 0;
    std::int64_t run = 1; ///< whose they are
};

/// What a program was given, in order: an effect's outcome is one whose delivery is on record.
struct observation {
    bool is_outcome = false;
    std::string text;
    friend bool operator==(const observation&, const observation&) = default;
};

/// How a life is to go.
struct life_plan {
    bool may_crash = true;
    bool may_be_stopped = true;
    bool may_fail_to_write = true;
    int altered = -1; ///< this part asks for something else than before
};

struct life_report {
    enum class end { done, crashed, stopped, unwritten, diverged, hung };
    end how = end::done;
    std::vector<observation> seen;
    int begun = 0;                         ///< effects that were carried out
    std::string wrong;                     ///< a guarantee that did not hold; empty: none
    std::optional<std::size_t> stopped_at; ///< of what was seen
};

/// One program's process, from its start to its end or its death; `past` is on record, `kept` takes what is
/// committed.
life_report live(const part& program, dice& random, kept_records& kept, const life_plan& plan);

/// A whole schedule: a program of the seed's, crashed and gone on with until it ends, each life checked
/// against the one before. Result: what is wrong, with the program and its lives; empty: nothing.
std::string check_schedule(std::uint64_t seed, kept_records& kept);
/// The same with a program that is given.
std::string check_schedule_of(const part& program, std::uint64_t seed, kept_records& kept);

/// In memory.
class records_in_memory : public kept_records {
public:
    void add(const std::vector<effects::journal_record>& records) override
    {
        all_.insert(all_.end(), records.begin(), records.end());
    }
    std::vector<effects::journal_record> read() override { return all_; }

private:
    std::vector<effects::journal_record> all_;
};

} // namespace graftline::test
