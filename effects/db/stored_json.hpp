/// Described structs to JSON and back, forgiving what an older version did not know.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>

namespace graftline::effects {

/// `stored` laid over `defaults`: fields that it lacks keep their default, fields that `defaults` lacks are
/// dropped, so that a record written by another version still reads. A field whose default is an empty object
/// is taken whole.
boost::json::object overlay(boost::json::object defaults, const boost::json::object& stored);

template <class T> boost::json::value to_stored(const T& value)
{
    return boost::json::value_from(value);
}

/// Corrupt when `stored` is not what `to_stored` writes for a T.
template <class T> result<T> from_stored(const boost::json::value& stored)
{
    // As this version wrote it, it reads at once; another version's is laid over the defaults first.
    auto read = boost::json::try_value_to<T>(stored);
    if (read.has_value()) return std::move(*read);
    static const boost::json::value defaults = boost::json::value_from(T{});
    if (defaults.is_object() && stored.is_object())
        read = boost::json::try_value_to<T>(overlay(defaults.get_object(), stored.get_object()));
    if (read.has_value()) return std::move(*read);
    return fault(errc::corrupt, "a stored record does not read back").with("cause", read.error().message());
}

} // namespace graftline::effects
