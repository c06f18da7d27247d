/// Taking a document apart: each key by its type, and a complaint for everything that is not as it should be.
#pragma once

#include "graftline/agents/document/document.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace graftline::agents {

/// What is wrong with one file. The complaint that stands first in the file is the one that is told.
class complaints {
public:
    explicit complaints(std::string_view file) : file_(file) {}

    void add(place where, std::string what);
    /// True when a complaint about this place would be the one that is told: worth being worded.
    bool would_tell(place where) const { return what_.empty() || where < first_; }
    /// The fault to hand back; nullopt when all is well.
    std::optional<fault> told() const;

private:
    std::string file_;
    place first_;
    std::string what_;
};

/// Reads the keys of one table. Every key that is asked for is a known one; `finish` complains of the others.
/// What is not there, or wrong, leaves its variable as it was.
class table_reader {
public:
    /// `name` is how complaints call the table: "[run]", "a task"; empty for the whole file.
    table_reader(const document_value& table, std::string name, complaints& wrong);

    /// The value of a key, for what the reads below do not do; nullptr when it is not there.
    const document_member* find(std::string_view key);

    void read(std::string_view key, std::string& into);
    void read(std::string_view key, bool& into);
    void read(std::string_view key, std::vector<std::string>& into);
    void read(std::string_view key, std::map<std::string, std::string>& into);
    void read(std::string_view key, boost::json::object& into);
    void read(std::string_view key, std::chrono::milliseconds& into); ///< "30m", or a number of seconds
    template <class T> void read(std::string_view key, std::optional<T>& into)
    {
        into_optional(key, into, [&](T& v) { read(key, v); });
    }

    /// A number from `low` to `high`; a whole one for integral T.
    template <class T> void read_number(std::string_view key, std::optional<T>& into, T low, T high);
    /// A size such as "2GiB", or a number of bytes.
    /// A longest time: not zero, which would end everything at once.
    void read_limit(std::string_view key, std::optional<std::chrono::milliseconds>& into);
    void read_size(std::string_view key, std::optional<std::uint64_t>& into);
    /// One of a few words.
    void read_choice(std::string_view key, std::optional<std::string>& into,
                     const std::vector<std::string>& choices);
    /// One command: a list of words, or a string that is split as a shell does.
    void read_command(std::string_view key, std::vector<std::string>& into);
    /// What a list of nothing but strings is where commands are expected.
    enum class flat_list { is_one_command, is_unclear };
    /// Commands: a list of them, or one as a string; a flat list is one command or refused.
    void read_commands(std::string_view key, std::vector<std::vector<std::string>>& into, flat_list flat);

    /// "'key' in [run] must be …"
    void complain(place where, std::string_view key, std::string_view what);
    /// Complains of all keys that nobody asked for.
    void finish();

private:
    template <class T, class Read>
    void into_optional(std::string_view key, std::optional<T>& into, Read read_one)
    {
        if (!find(key)) return;
        T value{};
        read_one(value);
        into = std::move(value);
    }
    template <class T> const T* as(const document_member& m, std::string_view expected);
    std::optional<double> number(const document_member& m, bool whole, double low, double high);
    std::optional<std::vector<std::string>> command_in(const document_value& v, std::string_view key);

    const document_table* table_ = nullptr;
    std::string name_;
    complaints& wrong_;
    std::vector<std::string> known_;
};

template <class T> void table_reader::read_number(std::string_view key, std::optional<T>& into, T low, T high)
{
    const auto* found = find(key);
    if (!found) return;
    if (const auto value =
            number(*found, std::is_integral_v<T>, static_cast<double>(low), static_cast<double>(high)))
        into = static_cast<T>(*value);
}

} // namespace graftline::agents
