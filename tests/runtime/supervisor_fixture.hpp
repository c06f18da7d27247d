/// Supervisors in tests: agents that are small shell scripts, in a folder of their own.
#pragma once

#include "graftline/runtime/process/child.hpp"
#include "graftline/runtime/supervisor/supervised.hpp"

#include "tests/support/built.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/test_repository.hpp"
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace graftline::test {

inline const std::vector<std::string> supervisor_program{built_program(), "supervise"};

class supervisor_test : public ::testing::Test {
protected:
    attempt_spec shell(const std::string& script) const
    {
        attempt_spec spec(folder(), {"sh", "-c", script});
        spec.environment = current_environment();
        spec.environment.push_back("MARK=" + mark());
        return spec;
    }
    /// Of the attempt.
    std::filesystem::path folder() const { return here_.path() / "attempt"; }
    std::string mark() const { return here_.path().string(); }
    std::string logged(const char* name = "stdout.log") const { return contents_of(folder() / name); }
    // The supervisor's own environment has the mark too: all is over when nobody has it.
    bool all_gone() const
    {
        return soon([&] { return running_with(mark()) == 0; });
    }
    bool printed(const std::string& text) const
    {
        return soon([&] { return logged().find(text) != std::string::npos; });
    }

private:
    temporary_folder here_;
};

inline awaitable<exit_record> run_to_end(attempt_spec spec)
{
    auto started = co_await supervised::start(supervisor_program, std::move(spec));
    if (!started) throw fault_error(started.error());
    co_return co_await started->wait();
}

/// Why it was not started; a fault without a word when it was.
inline awaitable<fault> refusal(std::vector<std::string> supervisor_command, attempt_spec spec)
{
    auto started = co_await supervised::start(std::move(supervisor_command), std::move(spec));
    co_return started ? fault() : started.error();
}

/// A tree with everything that hides: another group, another session, a daemon, one that ignores TERM.
inline const char* const tree = "trap '' TERM\n"
                                "sh -c 'trap \"\" TERM; while :; do sleep 1; done' &\n"
                                "setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' &\n"
                                "(setsid sh -c '(sleep 1000 &) ; exec sleep 1000' >/dev/null 2>&1 &)\n"
                                "setsid sleep 1000 &\n"
                                "echo grown\n";

inline awaitable<exit_record> start_and(attempt_spec spec, std::function<void(supervised&)> then)
{
    auto started = co_await supervised::start(supervisor_program, std::move(spec));
    if (!started) throw fault_error(started.error());
    then(*started);
    co_return co_await started->wait();
}

} // namespace graftline::test
