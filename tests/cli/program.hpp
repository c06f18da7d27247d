/// The real executable, run from outside as a user does.
#pragma once

#include "graftline/runtime/process/child.hpp"
#include "graftline/runtime/process/command.hpp"

#include <boost/json/value.hpp>

#include "tests/support/test_repository.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace graftline::test {

/// What a run of it said.
struct said {
    int status; ///< as a shell sees it
    std::string out;
    std::string err;
    /// The standard output as the one JSON document that it must be.
    boost::json::value json() const;
};

/// A repository, and the executable working on it with a home folder of its own.
class desk {
public:
    explicit desk(std::vector<std::string> init = {});

    said graftline(std::vector<std::string> words)
    {
        return graftline_in(repository.top(), std::move(words));
    }
    said graftline_in(const std::filesystem::path& folder, std::vector<std::string> words);
    /// A file with this text that can be executed; its path.
    std::string script(const std::string& name, const std::string& text);
    /// Prepared, not run.
    command prepared(const std::filesystem::path& folder, std::vector<std::string> words) const;

    test_repository repository;
};

/// Waits until `holds()` or a minute has passed; false then.
bool eventually(const std::function<bool()>& holds);

} // namespace graftline::test
