#include "graftline/cli/terminal/full_disk.hpp"

#include "graftline/cli/terminal/failure.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <string_view>

namespace graftline::cli {
namespace {

constexpr std::string_view message =
    "\ngraftline: the disk is full: the state database cannot be written to\n"
    "  Agents that run go on. Make room, then: graftline resume\n";

/// Reads /proc/self/maps line by line, with nothing but what a signal handler may call.
class mappings {
public:
    mappings() : file_(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC)) {}
    ~mappings() { ::close(file_); }
    mappings(const mappings&) = delete;
    mappings& operator=(const mappings&) = delete;

    /// Cut off where it is too long; empty at the end.
    std::string_view next_line()
    {
        std::size_t length = 0;
        for (char byte = 0; ::read(file_, &byte, 1) == 1 && byte != '\n';)
            if (length < line_.size()) line_[length++] = byte;
        return {line_.data(), length};
    }

private:
    int file_;
    std::array<char, 4200> line_{};
};

std::uintptr_t read_number(std::string_view& text)
{
    std::uintptr_t number = 0;
    while (!text.empty()) {
        const char c = text.front();
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        text.remove_prefix(1);
        if (digit < 0) break; // the separator is taken too
        number = number * 16 + static_cast<std::uintptr_t>(digit);
    }
    return number;
}

bool is_in_shared_memory_of_a_database(std::uintptr_t address)
{
    mappings all;
    for (auto line = all.next_line(); !line.empty(); line = all.next_line()) {
        const auto from = read_number(line);
        const auto to = read_number(line);
        if (address >= from && address < to) return line.find("state.db-shm") != line.npos;
    }
    return false;
}

void on_bus_error(int signo, siginfo_t* info, void*)
{
    if (is_in_shared_memory_of_a_database(reinterpret_cast<std::uintptr_t>(info->si_addr))) {
        (void)!::write(STDERR_FILENO, message.data(), message.size());
        ::_exit(exit_status::unusable);
    }
    std::signal(signo, SIG_DFL); // and again, by what caused it
}

} // namespace

void explain_a_full_disk_under_shared_memory()
{
    struct sigaction how{};
    how.sa_sigaction = on_bus_error;
    how.sa_flags = SA_SIGINFO;
    ::sigaction(SIGBUS, &how, nullptr);
}

} // namespace graftline::cli
