#include "graftline/git/packs/damaged_objects.hpp"

#include "graftline/git/packs/landing_packs.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/runtime/base/descriptor.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <charconv>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// Calls `take` with the file's bytes, piece by piece, until it says stop. False: it cannot be read.
bool read_pieces(const fs::path& file, const std::function<bool(std::string_view)>& take)
{
    const descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    std::array<char, 64 * 1024> piece;
    for (;;) {
        const auto got = in ? ::read(in.get(), piece.data(), piece.size()) : -1;
        if (got < 0) return false;
        if (got == 0 || !take({piece.data(), static_cast<std::size_t>(got)})) return true;
    }
}

/// Inflates a loose object and follows what it says of itself.
class loose_check {
public:
    loose_check() { ready_ = ::inflateInit(&stream_) == Z_OK; }
    loose_check(const loose_check&) = delete;
    loose_check& operator=(const loose_check&) = delete;
    ~loose_check()
    {
        if (ready_) ::inflateEnd(&stream_);
    }

    /// False: it has ended, well or not.
    bool feed(std::string_view bytes)
    {
        std::array<char, 64 * 1024> out;
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        stream_.avail_in = static_cast<uInt>(bytes.size());
        while (stream_.avail_in > 0) {
            stream_.next_out = reinterpret_cast<Bytef*>(out.data());
            stream_.avail_out = out.size();
            const int code = ready_ ? ::inflate(&stream_, Z_NO_FLUSH) : Z_MEM_ERROR;
            if (code != Z_OK && code != Z_STREAM_END) return false;
            count(std::string_view(out.data(), out.size() - stream_.avail_out));
            ended_ = code == Z_STREAM_END;
            if (ended_) return false;
        }
        return true;
    }
    bool is_whole() const
    {
        const auto space = header_.find(' ');
        std::uint64_t size = 0;
        if (!ended_ || space == header_.npos) return false;
        const auto read = std::from_chars(header_.data() + space + 1, header_.data() + header_.size(), size);
        return read.ec == std::errc() && size == contents_;
    }

private:
    void count(std::string_view bytes)
    {
        if (!in_contents_) {
            const auto end = bytes.find('\0');
            header_ += bytes.substr(0, end);
            in_contents_ = end != bytes.npos;
            bytes.remove_prefix(in_contents_ ? end + 1 : bytes.size());
        }
        contents_ += bytes.size();
    }

    z_stream stream_{};
    bool ready_ = false;
    bool ended_ = false;
    bool in_contents_ = false;
    std::string header_; ///< "blob 12"
    std::uint64_t contents_ = 0;
};

bool inflates(const fs::path& file)
{
    loose_check check;
    // What cannot be read is not known to be damaged.
    return !read_pieces(file, [&](std::string_view bytes) { return check.feed(bytes); }) || check.is_whole();
}

/// The hash of all but a file's last bytes, and these.
struct sealed {
    bool was_read = false;
    std::string hash;
    std::string seal;
};

sealed sealed_contents(const fs::path& file, std::size_t id_size)
{
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> hash(::EVP_MD_CTX_new(), ::EVP_MD_CTX_free);
    ::EVP_DigestInit_ex(hash.get(), id_size == 20 ? ::EVP_sha1() : ::EVP_sha256(), nullptr);
    sealed found;
    found.was_read = read_pieces(file, [&](std::string_view bytes) {
        found.seal += bytes;
        if (found.seal.size() <= id_size) return true;
        const auto covered = found.seal.size() - id_size;
        ::EVP_DigestUpdate(hash.get(), found.seal.data(), covered);
        found.seal.erase(0, covered);
        return true;
    });
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned size = 0;
    if (found.was_read && ::EVP_DigestFinal_ex(hash.get(), digest.data(), &size) == 1)
        found.hash.assign(reinterpret_cast<const char*>(digest.data()), size);
    return found;
}

/// The index names the hash of its pack before its own.
bool is_whole_pack(const fs::path& pack, const fs::path& index, std::size_t id_size)
{
    const sealed of_pack = sealed_contents(pack, id_size);
    const sealed of_index = sealed_contents(index, id_size);
    // What may not be read is not known to be damaged; a pack that is not there is.
    std::error_code unknown;
    if (!of_index.was_read || (!of_pack.was_read && fs::exists(pack, unknown))) return true;
    if (of_pack.hash != of_pack.seal || of_index.hash != of_index.seal) return false;
    const std::string text = text_of(index);
    return text.size() > 2 * id_size &&
           std::string_view(text).substr(text.size() - 2 * id_size, id_size) == of_pack.seal;
}

bool move_aside(const repository& repo, const fs::path& file)
{
    std::error_code failed;
    fs::rename(file, place_for_damaged(repo, file.filename().string()), failed);
    return !failed;
}

bool changed_since(const struct stat& info, std::chrono::system_clock::time_point since)
{
    return std::chrono::system_clock::from_time_t(info.st_mtime + 1) >= since;
}

bool is_hex(const std::string& name, std::size_t digits)
{
    return name.size() == digits && name.find_first_not_of("0123456789abcdef") == name.npos;
}

void look_at_loose(const repository& repo, const fs::path& folder,
                   std::chrono::system_clock::time_point since, std::vector<fs::path>& taken)
{
    std::error_code failed;
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
        struct stat info{};
        if (!is_hex(at->path().filename().string(), repo.can().oid_digits() - 2) ||
            ::lstat(at->path().c_str(), &info) != 0 || !S_ISREG(info.st_mode))
            continue;
        bool gone = false;
        if (info.st_size == 0)
            gone = ::unlink(at->path().c_str()) == 0;
        else if (changed_since(info, since) && !inflates(at->path()))
            gone = move_aside(repo, at->path());
        if (gone) taken.push_back(at->path());
    }
}

void look_at_packs(const repository& repo, std::chrono::system_clock::time_point since,
                   std::vector<fs::path>& taken)
{
    const fs::path folder = repo.common_dir() / "objects/pack";
    std::vector<fs::path> indices;
    std::error_code failed;
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed))
        if (at->path().extension() == ".idx" && landing_packs::is_ours(at->path())) indices.push_back(*at);
    for (const fs::path& index : indices) {
        struct stat info{};
        fs::path pack = index;
        pack.replace_extension(".pack");
        if (::stat(pack.c_str(), &info) == 0 && !changed_since(info, since)) continue;
        if (is_whole_pack(pack, index, repo.can().oid_digits() / 2)) continue;
        for (const char* extension : {".idx", ".rev", ".pack", ".keep"})
            (void)move_aside(repo, fs::path(pack).replace_extension(extension));
        taken.push_back(pack);
    }
}

} // namespace

fs::path place_for_damaged(const repository& repo, const std::string& name)
{
    const fs::path folder = repo.state_folder() / "damaged";
    std::error_code ignored; // shows when something is moved there
    fs::create_directories(folder, ignored);
    fs::path place = folder / name;
    for (int number = 2; fs::exists(fs::symlink_status(place, ignored)); ++number)
        place = folder / (name + "-" + std::to_string(number));
    return place;
}

std::vector<fs::path> set_damaged_objects_aside(const repository& repo,
                                                std::chrono::system_clock::time_point since)
{
    std::vector<fs::path> taken;
    std::error_code failed;
    for (fs::directory_iterator at(repo.common_dir() / "objects", failed), end; !failed && at != end;
         at.increment(failed))
        if (is_hex(at->path().filename().string(), 2)) look_at_loose(repo, at->path(), since, taken);
    look_at_packs(repo, since, taken);
    return taken;
}

} // namespace graftline::git
