/// What several parts of the program keep with one owner that need not know them.
#pragma once

#include <map>
#include <memory>
#include <typeindex>
#include <utility>

namespace graftline {

/// One object of each type, made when it is first asked for, gone with this. Used from one strand; what was
/// got may be shared with other threads, and may outlive this.
class services {
public:
    /// The one of type T, which `make` makes as a shared_ptr<T>.
    template <class T, class Make> std::shared_ptr<T> use(Make make)
    {
        const std::type_index type(typeid(T));
        auto found = made_.find(type);
        if (found == made_.end()) found = made_.emplace(type, std::shared_ptr<T>(make())).first;
        return std::static_pointer_cast<T>(found->second);
    }

private:
    std::map<std::type_index, std::shared_ptr<void>> made_;
};

} // namespace graftline
