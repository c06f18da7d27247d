#include "tests/power/disk_history.hpp"

#include "graftline/runtime/base/descriptor.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <stdexcept>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t piece = 4096;

descriptor open_to_read(const fs::path& file)
{
    descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) throw std::runtime_error("cannot read " + file.string());
    return fd;
}

void write_at(int fd, std::uint64_t offset, std::string_view bytes)
{
    while (!bytes.empty()) {
        const auto count = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (count <= 0) throw std::runtime_error("an image cannot be written");
        offset += static_cast<std::uint64_t>(count);
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

std::string read_at(int fd, std::uint64_t offset, std::size_t size)
{
    std::string bytes(size, '\0');
    for (std::size_t done = 0; done < size;) {
        const auto count = ::pread(fd, bytes.data() + done, size - done, static_cast<off_t>(offset + done));
        if (count <= 0) throw std::runtime_error("a log or an image ends too early");
        done += static_cast<std::size_t>(count);
    }
    return bytes;
}

void copy_range(int from, int to, off_t begin, off_t end)
{
    constexpr off_t at_once = 1 << 20;
    for (off_t at = begin; at < end; at += at_once)
        write_at(to, static_cast<std::uint64_t>(at),
                 read_at(from, static_cast<std::uint64_t>(at),
                         static_cast<std::size_t>(std::min(at_once, end - at))));
}

/// A new file with the same contents and the same holes. Never the old inode, from which something may still
/// be mounted.
descriptor copy_sparsely(const fs::path& from, const fs::path& to)
{
    const auto source = open_to_read(from);
    fs::remove(to);
    descriptor copy(::open(to.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!copy || ::ftruncate(copy.get(), static_cast<off_t>(fs::file_size(from))) != 0)
        throw std::runtime_error("cannot make " + to.string());
    for (off_t at = 0; (at = ::lseek(source.get(), at, SEEK_DATA)) >= 0;) {
        const auto hole = ::lseek(source.get(), at, SEEK_HOLE);
        copy_range(source.get(), copy.get(), at, hole);
        at = hole;
    }
    return copy;
}

} // namespace

const char* to_string(survivors which)
{
    switch (which) {
    case survivors::none: return "only what was flushed";
    case survivors::all: return "all that was written";
    case survivors::random: return "some of what was written";
    }
    return "";
}

disk_history::disk_history(fs::path image, fs::path log) : image_(std::move(image)), log_(std::move(log))
{
    const auto in = open_to_read(log_);
    const auto end = fs::file_size(log_);
    for (std::uint64_t at = 0; at + sizeof(disk_record) <= end;) {
        entry next{};
        std::memcpy(&next.record, read_at(in.get(), at, sizeof next.record).data(), sizeof next.record);
        next.contents = at += sizeof next.record;
        if (next.record.event == disk_event::write || next.record.event == disk_event::mark)
            at += next.record.length;
        events_.push_back(next);
    }
}

std::vector<std::size_t> disk_history::marks() const
{
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < events_.size(); ++i)
        if (event(i) == disk_event::mark) found.push_back(i);
    return found;
}

std::string disk_history::text_of_mark(std::size_t index) const
{
    const auto& of = events_.at(index);
    return read_at(open_to_read(log_).get(), of.contents, of.record.length);
}

std::size_t disk_history::flushes_between(std::size_t begin, std::size_t end) const
{
    std::size_t count = 0;
    for (auto i = begin; i < end; ++i)
        count += event(i) == disk_event::flush;
    return count;
}

void disk_history::cut(std::size_t at, survivors which, std::uint64_t seed, const fs::path& to) const
{
    const auto log = open_to_read(log_);
    const auto image = copy_sparsely(image_, to);
    auto flushed = at; // the first event that no flush covers
    while (flushed > 0 && event(flushed - 1) != disk_event::flush)
        --flushed;
    std::mt19937_64 chance(seed);
    for (std::size_t i = 0; i < (which == survivors::none ? flushed : at); ++i) {
        const bool whole = i < flushed || which == survivors::all;
        const auto survives = [&] { return whole || chance() % 2 == 0; };
        const auto& [record, contents] = events_[i];
        if (record.event == disk_event::zero && survives())
            ::fallocate(image.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                        static_cast<off_t>(record.offset), static_cast<off_t>(record.length));
        if (record.event != disk_event::write) continue;
        const auto bytes = read_at(log.get(), contents, record.length);
        const auto step = whole ? bytes.size() : piece;
        for (std::size_t from = 0; from < bytes.size(); from += step)
            if (survives())
                write_at(image.get(), record.offset + from, std::string_view(bytes).substr(from, step));
    }
}

} // namespace graftline::test
