/// Who makes commits.
#pragma once

#include <string>
#include <utility>

namespace graftline::git {

/// Who made a commit.
class identity {
public:
    identity(std::string name, std::string email) : name_(std::move(name)), email_(std::move(email)) {}
    const std::string& name() const noexcept { return name_; }
    const std::string& email() const noexcept { return email_; }

private:
    std::string name_;
    std::string email_;
};

/// Who commits when git knows nobody, and whose rescues are: graftline itself.
const identity& own_identity();

} // namespace graftline::git
