/// Expected failures as values: what happened, to what, and what to do next.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace graftline {

using error_code = boost::system::error_code;

/// What a caller can decide on. Anything finer is in the fault's words.
enum class errc {
    invalid = 1,     ///< the input is wrong: usage, a name, a file's contents
    not_found,       ///< what was named does not exist
    exists,          ///< what was to be made exists already
    refused,         ///< not allowed in the state that it is in
    busy,            ///< somebody else holds it; the same call may work later
    moved,           ///< a compare-and-swap found another value than expected
    unusable,        ///< the environment lacks what is needed: no repository, git too old
    no_space,        ///< the disk is full, or below the configured limit
    command_failed,  ///< a command ran and reported failure
    could_not_start, ///< a program could not be started
    timed_out,       ///< a deadline passed
    interrupted,     ///< the run is being stopped; not an outcome
    unsupported,     ///< the repository needs something that is not to be had
    corrupt,         ///< stored data does not read back
    internal         ///< a bug of ours
};

error_code make_error_code(errc code) noexcept;

/// A failure with its context. Cheap to move; holds no secrets: whoever fills it leaves prompts and
/// environments out.
class fault {
public:
    fault() = default; // Boost.System's result needs it
    fault(error_code code, std::string what) : code_(code), what_(std::move(what)) {}
    fault(errc code, std::string what) : fault(make_error_code(code), std::move(what)) {}

    /// Names what it happened to: `with("repository", path)`. Kept in the order given, the same only once.
    fault&& with(std::string key, std::string value) &&;
    fault& with(std::string key, std::string value) &;
    /// What the user should do next, a sentence or a command.
    fault&& advise(std::string next_step) &&;
    fault& advise(std::string next_step) &;

    error_code code() const noexcept { return code_; }
    bool is(errc code) const noexcept { return code_ == make_error_code(code); }
    const std::string& what() const noexcept { return what_; }
    const std::string& advice() const noexcept { return advice_; }
    const std::vector<std::pair<std::string, std::string>>& context() const noexcept { return context_; }
    /// The whole for a person: what happened, then one indented line for each piece of context, then the
    /// advice.
    std::string message() const;

private:
    error_code code_;
    std::string what_;
    std::string advice_;
    std::vector<std::pair<std::string, std::string>> context_;
};

/// A value, or why there is none.
template <class T> using result = boost::system::result<T, fault>;

/// A fault on its way through code whose errors are exceptions: task bodies. Thrown by `result::value()` too.
class fault_error : public std::runtime_error {
public:
    explicit fault_error(fault f) : std::runtime_error(f.message()), fault_(std::move(f)) {}
    const fault& why() const noexcept { return fault_; }

private:
    fault fault_;
};

/// Found by `result::value()` through argument-dependent lookup.
[[noreturn]] void throw_exception_from_error(const fault& f, const boost::source_location&);

/// The fault of a failed system call: `what` says what was tried, errno why it failed (ENOSPC is no_space).
fault system_fault(int error_number, std::string what);

} // namespace graftline

template <> struct boost::system::is_error_code_enum<graftline::errc> : std::true_type {};
