#include "graftline/agents/document/document.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <utility>

namespace graftline::agents {
namespace {

struct converter {
    boost::json::value operator()(const document_list& list) const
    {
        boost::json::array a;
        for (const auto& item : list)
            a.push_back(to_json(item));
        return a;
    }
    boost::json::value operator()(const document_table& table) const
    {
        boost::json::object o;
        for (const auto& m : table)
            o[m.key] = to_json(m.value);
        return o;
    }
    boost::json::value operator()(const std::string& s) const { return boost::json::string(s); }
    boost::json::value operator()(auto scalar) const { return scalar; }
};

} // namespace

fault fault_at(std::string_view file, place where, std::string_view what)
{
    return fault(errc::invalid, std::string(file) + ":" + std::to_string(where.line) + ":" +
                                    std::to_string(where.column) + ": " + std::string(what));
}

boost::json::value to_json(const document_value& v)
{
    return std::visit(converter{}, v.value);
}

} // namespace graftline::agents
