/// A project on a real repository, with small scripts for agents: what tests of whole jobs start from.
#pragma once

#include "graftline/effects/new_tasks.hpp"
#include "graftline/effects/operations/operations.hpp"

#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"

#include <string>
#include <vector>

namespace graftline::test {

/// Each call opens the project anew, as a process of its own would.
class workshop {
public:
    explicit workshop(std::vector<std::string> init = {});

    test_repository repo;
    effects::task_defaults defaults; ///< target main; tests set the rest
    effects::run_options options;
    effects::stop_button button;

    /// Makes tasks of the descriptions; the agent is `sh -c script`, which sees the task in its environment.
    effects::run_report run(const std::vector<std::string>& descriptions, const std::string& script);
    effects::run_report run_plan(const std::string& toml, const std::string& script);

    std::shared_ptr<effects::project> open(asio::io_context& io);
    effects::task find(const std::string& handle);

    /// Runs `body(project)` on a loop of its own.
    template <class Body> auto with(const Body& body)
    {
        asio::io_context io(1);
        auto in = open(io);
        return run_here(io, body(in));
    }

    std::vector<std::string> branches() const;  ///< short names
    std::vector<std::string> worktrees() const; ///< paths, without the main one
    bool has(const std::string& ref) const;
    /// Everything in the checkout but `.git`, with its contents, and what git says of it.
    std::string checkout_state() const;
};

} // namespace graftline::test
