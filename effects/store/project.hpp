/// A repository with graftline's state beside it: what every command works on.
#pragma once

#include "graftline/agents/config/settings.hpp"
#include "graftline/effects/journal/journal.hpp"
#include "graftline/effects/store/store.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/clock.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace graftline::effects {

/// The repository, its settings and its store, on one executor. Shared by all that works on it; used from one
/// strand.
class project {
public:
    /// Finds the repository that `start` belongs to and reads its settings; opens no database yet.
    /// Errors: unusable (no repository, git too old), invalid (a broken configuration, with file, line and
    /// key).
    static awaitable<result<std::shared_ptr<project>>> open(std::filesystem::path start);

    git::repository& repository() noexcept { return *repository_; }
    const agents::settings& settings() const noexcept { return settings_; }
    /// The texts of the files that the settings came from, by "repository" and "user"; for the record.
    const json::object& configuration() const noexcept { return configuration_; }
    /// Takes the settings from such texts instead, as a run that is gone on with began. Errors: invalid.
    result<void> configure(const json::object& texts);
    /// `<git common dir>/graftline`: state.db, logs, locks; never in a work tree.
    std::filesystem::path state_folder() const { return repository_->state_folder(); }
    /// The attempts and logs of a task.
    std::filesystem::path log_folder(const std::string& task) const { return state_folder() / "logs" / task; }
    /// True when graftline has been used here: reading commands make no state.
    bool has_state() const { return store::is_there(state_folder()); }

    /// Runs `job(store&)` off the loop, one at a time in order. Its fault_error becomes the result's fault.
    /// Never abandoned: a cancelled caller still waits for the end.
    template <class Job> awaitable<result<std::invoke_result_t<Job&, store&>>> stored(Job job);

    /// The same for bodies whose errors are exceptions.
    template <class Job> awaitable<std::invoke_result_t<Job&, store&>> must_store(Job job)
    {
        auto done = co_await stored(std::move(job));
        if constexpr (std::is_void_v<std::invoke_result_t<Job&, store&>>)
            done.value();
        else
            co_return std::move(done.value());
    }

    /// Where the effects of all runs of this process are recorded. The store must have been opened before.
    effects::journal& journal() noexcept { return journal_; }
    /// What is recorded survives the death of any process, or a power cut too, as `run.durability` says.
    database::commits durability() const noexcept { return durability_; }

    /// Puts a new database in the place of a damaged one: store::replace.
    awaitable<result<store::replacement>> replace_state(std::vector<task> found);

    /// How a supervisor is started; a host program that is not the graftline command names that command here.
    std::vector<std::string> supervisor_command{"/proc/self/exe", "supervise"};
    /// What runs tell the time by where they watch over their own strands; outlives them.
    clock* time = &real_clock();

private:
    friend class simulation; // in tests: effects on a journal without repository and store
    project(asio::any_io_executor executor, std::shared_ptr<git::repository> repository,
            agents::settings settings, json::object configuration);
    project(asio::any_io_executor executor, effects::journal recorded)
        : durability_(database::commits::survive_processes), journal_(std::move(recorded)),
          lane_(std::move(executor))
    {
    }

    std::shared_ptr<git::repository> repository_;
    agents::settings settings_;
    json::object configuration_;
    database::commits durability_;
    std::unique_ptr<store> store_; // touched on the lane only; closed last, as what has flushed the database
    effects::journal journal_;
    lane lane_;
};

template <class Job> awaitable<result<std::invoke_result_t<Job&, store&>>> project::stored(Job job)
{
    using value = std::invoke_result_t<Job&, store&>;
    auto guarded = [this, &job]() -> result<value> {
        try {
            if (!store_) store_ = std::make_unique<store>(state_folder(), durability_);
            if constexpr (std::is_void_v<value>) {
                job(*store_);
                return {};
            } else {
                return job(*store_);
            }
        } catch (const fault_error& e) {
            return e.why();
        }
    };
    co_return co_await lane_.run(std::move(guarded));
}

} // namespace graftline::effects
