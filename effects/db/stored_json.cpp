#include "graftline/effects/db/stored_json.hpp"

namespace graftline::effects {

boost::json::object overlay(boost::json::object defaults, const boost::json::object& stored)
{
    for (auto& field : defaults) {
        const auto* value = stored.if_contains(field.key());
        if (!value) continue;
        const bool nested =
            field.value().is_object() && !field.value().get_object().empty() && value->is_object();
        if (nested)
            field.value() = overlay(field.value().get_object(), value->get_object());
        else
            field.value() = *value;
    }
    return defaults;
}

} // namespace graftline::effects
