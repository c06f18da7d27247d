/// What is to be expected of the trouble that ended an agent.
#pragma once

#include <string_view>

namespace graftline::agents {

/// How a trouble goes on when nobody does anything about it.
enum class outlook {
    stays,  ///< a wrong key, a prompt that is too long, work that failed: trying again changes nothing
    passes, ///< the service, or the way there, is busy or down: gone in a while
    spent   ///< a quota or a credit is used up: gone when it is filled again, and not before
};

/// By a status of HTTP that a service answered with; 529 is "overloaded".
outlook outlook_of_status(int status) noexcept;

/// By the words in which an agent, or the service that it works for, tells of its own trouble. Takes any
/// bytes. What is not known stays.
outlook outlook_of_words(std::string_view words);

/// By the last lines that an agent printed, where nothing else is known of them: they may be anybody's. Lines
/// in which a test, an assertion or a compiler speaks are passed over. Takes any bytes.
outlook outlook_of_output(std::string_view last_lines);

} // namespace graftline::agents
