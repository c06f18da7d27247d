/// What another user than root sees and may do.
#pragma once

#include <functional>
#include <string>

namespace graftline::test {

/// Runs `what` in a forked process that belongs to the user `nobody`, as root alone can; its result, or -1
/// when it ended in another way. Not while this process has threads.
int as_nobody(const std::function<int()>& what);

/// Runs the tests of this program that `filter` names as `nobody`; the program's exit status.
int run_tests_as_nobody(const std::string& filter);

/// Runs a test's `body` as an ordinary user: here, or, where the tests run as root, by running the present
/// test again as `nobody`. So the whole test must be in the body.
void as_ordinary_user(const std::function<void()>& body);

} // namespace graftline::test
