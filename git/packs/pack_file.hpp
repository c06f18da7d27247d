/// A pack of git's with its index, put together in memory.
#pragma once

#include "graftline/git/repository/libgit2.hpp"
#include "graftline/git/repository/raw_id.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace graftline::git {

/// For few objects: each lies in it whole, quickly compressed. What compresses well, `git pack-objects` does
/// later, when packs are combined.
class pack_file {
public:
    pack_file();
    pack_file(pack_file&&) noexcept;
    pack_file& operator=(pack_file&&) noexcept;
    ~pack_file();

    /// Adds an object; nothing happens when it is in it already. `bytes` are what git hashes, without the
    /// header.
    result<void> add(const git_oid& id, git_object_t type, std::string_view bytes);
    /// Adds what lies in another pack (`pack`, without extension) and not in this one, as it lies there.
    /// Errors: unsupported, and some of it may have been added, when the two share objects on which others
    /// are built; the system's.
    result<void> add_all_of(const std::filesystem::path& pack);
    bool is_empty() const noexcept { return entries_.empty(); }
    /// Of all objects, uncompressed.
    std::size_t bytes() const noexcept { return bytes_; }

    /// Writes the pack and its index to new files. Adds nothing after that. Errors: the system's; files may
    /// stay.
    result<void> write(const std::filesystem::path& pack, const std::filesystem::path& index);

private:
    class compressor;
    struct entry {
        git_oid id;
        std::uint32_t offset;
        std::uint32_t check; ///< CRC-32 of what lies in the pack
    };
    std::string index_of(std::string_view pack_hash);

    std::string pack_;
    std::unordered_set<git_oid, raw_id_hash, raw_id_equal> ids_;
    std::vector<entry> entries_;
    std::size_t bytes_ = 0;
    std::unique_ptr<compressor> stored_;
    std::unique_ptr<compressor> fast_;
};

} // namespace graftline::git
