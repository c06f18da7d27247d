/// The journal as hosts, dashboards and people read it.
#pragma once

#include "graftline/effects/store/project.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace graftline::effects {

/// One event, in the stable schema of docs/events.md. Holds no prompts, environments, arguments or results.
struct event {
    std::int64_t number = 0;
    std::string time;                    ///< UTC, ISO 8601
    std::string run;                     ///< id; empty for what happens outside runs
    std::string what;                    ///< requested, started, resolved, delivered, task, run
    std::string path;                    ///< of the effect; empty for tasks and runs
    std::string kind;                    ///< of the effect; empty for tasks and runs
    std::string task;                    ///< id; empty when it is about none
    std::string state;                   ///< of a task or a run
    std::optional<std::int64_t> attempt; ///< of a start
    std::string outcome;                 ///< of an effect: done, failed, cancelled
    std::string reason;                  ///< of a failure: its sentence
};
json::object to_public_json(const event& e);

/// Reads events in order, from the first on. Used from one strand.
class event_feed {
public:
    /// Of one run, or of all.
    event_feed(std::shared_ptr<project> in, std::optional<run_record> only)
        : in_(std::move(in)), only_(std::move(only))
    {
    }

    /// The next that are there, at most some thousands; none when all have been read. Records that do not
    /// read back are passed over. Throws fault_error.
    awaitable<std::vector<event>> next();
    /// What is wrong with those that were passed over since this was asked last.
    std::vector<fault> take_passed_over() { return std::exchange(passed_over_, {}); }

private:
    event read(journal_record&& r);

    std::shared_ptr<project> in_;
    std::optional<run_record> only_;
    std::int64_t after_ = 0;
    std::vector<fault> passed_over_;
    std::map<std::int64_t, std::string> runs_;
    struct open_effect {
        std::string kind, task;
    };
    std::map<std::pair<std::int64_t, std::string>, open_effect> open_;
};

} // namespace graftline::effects
