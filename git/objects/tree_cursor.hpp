/// A tree object entry by entry, in the order in which git sorts them.
#pragma once

#include <git2.h>

#include <cstdint>
#include <string_view>

namespace graftline::git {

/// What an entry is; the executable bit apart, a change of it is a change of type.
enum class entry_type : std::uint8_t { none, file, link, tree, submodule };

/// One entry; refers to the bytes of its tree. Without a name: there is none.
struct tree_entry {
    std::string_view raw;  ///< all of it: mode, space, name, NUL, id
    std::string_view name; ///< a file's, a folder's: no slashes
    git_oid id{};
    entry_type type = entry_type::none;
    bool executable = false;

    bool is_there() const noexcept { return type != entry_type::none; }
    bool is_tree() const noexcept { return type == entry_type::tree; }
    bool is_file() const noexcept { return type == entry_type::file; }
    /// Same content and same mode, or both not there; names are not compared.
    bool same_as(const tree_entry& other) const noexcept;
};

/// The mode as tree objects have it: "100644".
std::string_view mode_text(entry_type type, bool executable) noexcept;

/// Where two entries stand in a tree's order: below 0, 0, above 0. A folder sorts as if its name ended in a
/// slash, so a file and a folder of one name are not equal.
int compare_places(const tree_entry& one, const tree_entry& other) noexcept;

/// Goes through a tree's bytes, which must outlive it.
class tree_cursor {
public:
    explicit tree_cursor(std::string_view bytes = {}) : rest_(bytes) { read(); }

    /// The present entry; at the end one that is not there.
    const tree_entry& entry() const noexcept { return entry_; }
    bool at_end() const noexcept { return !entry_.is_there(); }
    void next()
    {
        rest_.remove_prefix(entry_.raw.size());
        read();
    }
    /// What lies before the end, the present entry first.
    std::string_view rest() const noexcept { return rest_; }
    /// Passes over this many bytes, which are whole entries.
    void skip(std::size_t bytes)
    {
        rest_.remove_prefix(bytes);
        read();
    }
    /// The bytes are no tree, or one that git would write in other bytes (a mode that it does not use any
    /// more): it ends here.
    bool is_strange() const noexcept { return strange_; }

private:
    void read();

    std::string_view rest_;
    tree_entry entry_;
    bool strange_ = false;
};

/// How many bytes of whole entries the three have in common from their beginnings on; ends before one that is
/// strange.
std::size_t common_entries(std::string_view one, std::string_view two, std::string_view three) noexcept;

} // namespace graftline::git
