#include "graftline/git/packs/pack_file.hpp"

#include "graftline/git/packs/pack_index.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/runtime/base/descriptor.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

void append_number(std::string& text, std::uint32_t number) // big-endian
{
    for (int shift = 24; shift >= 0; shift -= 8)
        text += static_cast<char>(number >> shift & 0xff);
}

std::string_view as_text(const git_oid& id)
{
    return {reinterpret_cast<const char*>(id.id), GIT_OID_RAWSZ};
}

result<std::string> sha1_of(std::string_view bytes)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
    unsigned size = 0;
    if (!EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, EVP_sha1(), nullptr))
        return fault(errc::unsupported, "SHA-1 is not to be had");
    return std::string(reinterpret_cast<const char*>(hash.data()), size);
}

/// CRC-32 of what lies in a pack.
std::uint32_t check_of(std::string_view bytes)
{
    const auto* begin = reinterpret_cast<const Bytef*>(bytes.data());
    return static_cast<std::uint32_t>(::crc32(0, begin, static_cast<uInt>(bytes.size())));
}

/// Kind and size: three bits and four of the first byte, then seven a byte, lowest first.
std::string entry_header(git_object_t type, std::size_t size)
{
    std::string header;
    unsigned byte = static_cast<unsigned>(type) << 4 | (size & 15);
    for (size >>= 4; size > 0; size >>= 7) {
        header += static_cast<char>(byte | 0x80);
        byte = size & 0x7f;
    }
    header += static_cast<char>(byte);
    return header;
}

result<void> write_new(const fs::path& file, std::string_view bytes)
{
    const descriptor opened(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
    if (!opened || !write_all(opened.get(), bytes))
        return system_fault(errno, "cannot write " + file.string());
    return {};
}

} // namespace

/// Deflates one text after the other at one level.
class pack_file::compressor {
public:
    explicit compressor(int level) { ready_ = ::deflateInit(&stream_, level) == Z_OK; }
    compressor(const compressor&) = delete;
    compressor& operator=(const compressor&) = delete;
    ~compressor()
    {
        if (ready_) ::deflateEnd(&stream_);
    }

    bool append(std::string_view bytes, std::string& to)
    {
        if (!ready_ || ::deflateReset(&stream_) != Z_OK) return false;
        const std::size_t before = to.size();
        to.resize(before + ::deflateBound(&stream_, bytes.size()));
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        stream_.avail_in = static_cast<uInt>(bytes.size());
        stream_.next_out = reinterpret_cast<Bytef*>(to.data() + before);
        stream_.avail_out = static_cast<uInt>(to.size() - before);
        const bool done = ::deflate(&stream_, Z_FINISH) == Z_STREAM_END;
        to.resize(to.size() - stream_.avail_out);
        return done;
    }

private:
    z_stream stream_{};
    bool ready_ = false;
};

pack_file::pack_file()
    : pack_("PACK"), stored_(std::make_unique<compressor>(Z_NO_COMPRESSION)),
      fast_(std::make_unique<compressor>(Z_BEST_SPEED))
{
    append_number(pack_, 2); // version
    append_number(pack_, 0); // objects: known at the end
}

pack_file::pack_file(pack_file&&) noexcept = default;
pack_file& pack_file::operator=(pack_file&&) noexcept = default;
pack_file::~pack_file() = default;

result<void> pack_file::add(const git_oid& id, git_object_t type, std::string_view bytes)
{
    if (!ids_.insert(id).second) return {};
    const std::size_t begin = pack_.size();
    pack_ += entry_header(type, bytes.size());
    // Trees are mostly hashes, which do not compress.
    compressor& deflate = type == GIT_OBJECT_TREE ? *stored_ : *fast_;
    if (bytes.size() > 0x3fffffff || !deflate.append(bytes, pack_) || pack_.size() > 0x7fffffff)
        return fault(errc::unsupported, "too large for a pack of ours");
    entries_.push_back(
        {id, static_cast<std::uint32_t>(begin), check_of(std::string_view(pack_).substr(begin))});
    bytes_ += bytes.size();
    return {};
}

result<void> pack_file::add_all_of(const fs::path& pack)
{
    auto entries = read_pack_index(pack.string() + ".idx", GIT_OID_RAWSZ);
    if (!entries) return entries.error();
    const std::string text = text_of(pack.string() + ".pack");
    if (text.size() < GIT_OID_RAWSZ || pack_.size() + text.size() > 0x7fffffff)
        return fault(errc::unsupported, "not a pack of ours");
    std::ranges::sort(*entries, {}, &packed_entry::offset);
    bool skipped = false, built_on_others = false;
    for (std::size_t at = 0; at < entries->size(); ++at) {
        const packed_entry& one = (*entries)[at];
        const std::size_t end =
            at + 1 < entries->size() ? (*entries)[at + 1].offset : text.size() - GIT_OID_RAWSZ;
        if (one.offset >= end || end > text.size()) return fault(errc::corrupt, "an index of another pack");
        if (check_of(std::string_view(text).substr(one.offset, end - one.offset)) != one.check)
            return fault(errc::corrupt, "a damaged pack").with("file", pack.string() + ".pack");
        // Kind 6: a difference from the object that lies this far before it.
        built_on_others = built_on_others || (text[one.offset] >> 4 & 7) == 6;
        git_oid id;
        std::memcpy(id.id, one.id.data(), GIT_OID_RAWSZ);
        if (!ids_.insert(id).second) {
            skipped = true;
            continue;
        }
        entries_.push_back({id, static_cast<std::uint32_t>(pack_.size()), one.check});
        pack_.append(text, one.offset, end - one.offset);
    }
    if (skipped && built_on_others) return fault(errc::unsupported, "packs that share objects");
    return {};
}

/// Version 2: 256 counts of the ids up to each first byte, the ids, their checks, their offsets.
std::string pack_file::index_of(std::string_view pack_hash)
{
    std::ranges::sort(entries_, [](const entry& one, const entry& other) {
        return std::memcmp(one.id.id, other.id.id, GIT_OID_RAWSZ) < 0;
    });
    std::string index("\377tOc");
    append_number(index, 2);
    std::size_t count = 0;
    for (unsigned first = 0; first < 256; ++first) {
        while (count < entries_.size() && entries_[count].id.id[0] == first)
            ++count;
        append_number(index, static_cast<std::uint32_t>(count));
    }
    for (const entry& one : entries_)
        index += as_text(one.id);
    for (const entry& one : entries_)
        append_number(index, one.check);
    for (const entry& one : entries_)
        append_number(index, one.offset);
    index += pack_hash;
    return index;
}

result<void> pack_file::write(const fs::path& pack, const fs::path& index)
{
    std::string count;
    append_number(count, static_cast<std::uint32_t>(entries_.size()));
    pack_.replace(8, count.size(), count);
    auto hash = sha1_of(pack_);
    if (!hash) return hash.error();
    pack_ += *hash;
    std::string entries = index_of(*hash);
    auto index_hash = sha1_of(entries);
    if (!index_hash) return index_hash.error();
    entries += *index_hash;
    if (auto written = write_new(pack, pack_); !written) return written;
    return write_new(index, entries);
}

} // namespace graftline::git
