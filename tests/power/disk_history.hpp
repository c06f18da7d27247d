/// What a logging disk has logged, and what it holds when the power goes at a given moment of it.
#pragma once

#include "tests/power/disk_record.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::test {

/// Which of the writes that were not flushed are on the disk after the cut.
enum class survivors {
    none,   ///< a volatile cache, all of it lost
    all,    ///< no cache
    random, ///< any of their pieces of 4 KiB
};
const char* to_string(survivors which);

class disk_history {
public:
    /// `image`: what the disk held at first. Both files are read again for each cut.
    disk_history(std::filesystem::path image, std::filesystem::path log);

    std::size_t size() const { return events_.size(); }
    disk_event event(std::size_t index) const { return events_[index].record.event; }
    /// The indexes of all marks, in order.
    std::vector<std::size_t> marks() const;
    std::string text_of_mark(std::size_t index) const;
    std::size_t flushes_between(std::size_t begin, std::size_t end) const;

    /// Writes the image of a disk whose power went before event `at`. The same seed gives the same image.
    void cut(std::size_t at, survivors which, std::uint64_t seed, const std::filesystem::path& to) const;

private:
    struct entry {
        disk_record record;
        std::uint64_t contents; ///< where they lie in the log
    };

    std::filesystem::path image_;
    std::filesystem::path log_;
    std::vector<entry> events_;
};

} // namespace graftline::test
