/// Fills described structs with whatever their members can hold.
#pragma once

#include <boost/describe.hpp>
#include <boost/json/value.hpp>
#include <boost/mp11/algorithm.hpp>

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace graftline::test {

class any_bytes {
public:
    explicit any_bytes(unsigned seed) : random_(seed) {}

    void fill(std::string& text)
    {
        text.clear();
        for (auto left = random_() % 20; left > 0; --left)
            text += static_cast<char>(random_());
    }
    void fill(bool& yes) { yes = random_() % 2; }
    void fill(int& number) { number = static_cast<int>(random_()); }
    void fill(std::int64_t& number) { number = static_cast<std::int64_t>(random_()) * 7919; }
    void fill(double& number) { number = random_() % 1000 / 8.0; }
    void fill(boost::json::object& object) { object = {{text(), nested(40)}, {text(), text()}}; }
    template <class T> void fill(std::optional<T>& maybe)
    {
        if (random_() % 2) fill(maybe.emplace());
    }
    template <class T> void fill(std::vector<T>& items)
    {
        items.resize(random_() % 3);
        for (auto& item : items)
            fill(item);
    }
    void fill(std::map<std::string, std::string>& entries) { entries = {{text(), text()}}; }
    template <class E>
        requires std::is_enum_v<E>
    void fill(E&)
    {
    }
    template <class T>
        requires boost::describe::has_describe_members<T>::value
    void fill(T& record)
    {
        boost::mp11::mp_for_each<boost::describe::describe_members<T, boost::describe::mod_any_access>>(
            [&](auto member) { fill(record.*member.pointer); });
    }
    template <class T> T make()
    {
        T value{};
        fill(value);
        return value;
    }

private:
    std::string text() { return make<std::string>(); }
    boost::json::value nested(int depth)
    {
        boost::json::value v = boost::json::string(text());
        for (; depth > 0; --depth)
            v = boost::json::array{std::move(v)};
        return v;
    }

    std::mt19937 random_;
};

} // namespace graftline::test
