/// What gates have said of trees: a tree that was tested is not tested again.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <boost/describe.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace graftline::effects {

/// One gate's word on one tree.
struct gate_verdict {
    bool passed = false;
    std::string how; ///< "exit status 2"
    std::string log; ///< file with everything that it printed
};
BOOST_DESCRIBE_STRUCT(gate_verdict, (), (passed, how, log))

/// The verdicts of a repository, one file each, shared by all its processes. A gate that was stopped or could
/// not be started has none. Blocking; each call reads or writes one small file.
class gate_verdicts {
public:
    explicit gate_verdicts(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// By what a verdict is known: the tree, the gate's words, and the environment that it ran in, of which
    /// only a hash is kept. What differs from one shell to the next (PWD, terminal, session) does not count.
    static std::string key(const std::string& tree, const std::vector<std::string>& gate,
                           const std::vector<std::string>& environment);

    std::optional<gate_verdict> find(const std::string& key) const;
    /// Errors: the system's. Nobody depends on it: the gate would run again.
    result<void> remember(const std::string& key, const gate_verdict& said) const;

private:
    std::filesystem::path folder_;
};

} // namespace graftline::effects
