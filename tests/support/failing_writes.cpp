/// Preloaded into graftline: ends it, or lets its disk fail, at a chosen write of the state database.
///
/// GRAFTLINE_TEST_KILL_AT=N: SIGKILL at the Nth boundary of the journal: 2C-1 is before the Cth commit is in
/// the write-ahead log, 2C is right after it. GRAFTLINE_TEST_FAIL_AT=N: from the Nth write to that log on
/// every write and sync of the database fails, with GRAFTLINE_TEST_ERRNO (ENOSPC, else EIO).
/// GRAFTLINE_TEST_COUNT_IN=FILE: how many boundaries there were. Supervisors, agents and git are left alone.
/// GRAFTLINE_TEST_SYNCS_IN=FILE: what any of them flushes and names gets a line there, in order: "sync PATH",
/// "syncfs PATH", "name PATH".
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

struct plan {
    bool active = false;
    long kill_at = 0;
    long fail_at = 0;
    int error = EIO;
    const char* count_in = nullptr;
    const char* syncs_in = nullptr;
};

plan what;
std::atomic<long> writes{0};
std::atomic<long> boundaries{0};
std::atomic<bool> commits{false}; // the header of a transaction's last frame is written, its page is next
std::atomic<bool> failing{false};

long number(const char* name)
{
    const char* text = std::getenv(name);
    return text ? std::atol(text) : 0;
}

/// The program itself, not one of its supervisors.
bool is_graftline()
{
    char exe[PATH_MAX];
    const auto length = ::readlink("/proc/self/exe", exe, sizeof exe);
    if (length <= 0 || !std::string_view(exe, static_cast<std::size_t>(length)).ends_with("/graftline"))
        return false;
    char words[4096];
    const int fd = ::open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    const auto got = ::read(fd, words, sizeof words);
    ::close(fd);
    const std::string_view all(words, got > 0 ? static_cast<std::size_t>(got) : 0);
    const auto second = all.find('\0') + 1;
    return second == 0 || !all.substr(second).starts_with(std::string_view("supervise\0", 10));
}

__attribute__((constructor)) void read_plan()
{
    what.kill_at = number("GRAFTLINE_TEST_KILL_AT");
    what.fail_at = number("GRAFTLINE_TEST_FAIL_AT");
    what.count_in = std::getenv("GRAFTLINE_TEST_COUNT_IN");
    what.syncs_in = std::getenv("GRAFTLINE_TEST_SYNCS_IN");
    if (const char* name = std::getenv("GRAFTLINE_TEST_ERRNO"); name && std::strcmp(name, "ENOSPC") == 0)
        what.error = ENOSPC;
    what.active = is_graftline();
}

std::string name_of(int fd)
{
    char link[64];
    char target[PATH_MAX];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const auto length = ::readlink(link, target, sizeof target);
    return {target, length > 0 ? static_cast<std::size_t>(length) : 0};
}

bool is_named(int fd, std::string_view end)
{
    return name_of(fd).ends_with(end);
}

void note_durable(const char* how, const std::string& path)
{
    const int before = errno;
    const auto line = std::string(how) + " " + path + "\n";
    const int fd = ::open(what.syncs_in, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0 && ::write(fd, line.data(), line.size()) < 0) ::abort();
    ::close(fd);
    errno = before;
}

void note_count(long count)
{
    const int fd = ::open(what.count_in, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return;
    ::dprintf(fd, "%ld\n", count);
    ::close(fd);
}

void reach_boundary()
{
    const auto now = ++boundaries;
    if (now == what.kill_at) ::raise(SIGKILL);
    if (what.count_in) note_count(now);
}

constexpr std::size_t header_size = 24;

/// A frame's header that says how large the database is afterwards belongs to the last frame of a commit.
bool begins_commit(const void* bytes, std::size_t size)
{
    constexpr unsigned char none[4] = {};
    return size == header_size && std::memcmp(static_cast<const char*>(bytes) + 4, none, sizeof none) != 0;
}

/// Counts a write to the log; true: it and all that comes after must fail.
bool fails(int fd, bool counts)
{
    if (!what.active) return false;
    const int before = errno;
    if (counts && what.fail_at > 0 && ++writes >= what.fail_at) failing = true;
    const bool hit = failing && (is_named(fd, "/state.db-wal") || is_named(fd, "/state.db"));
    errno = hit ? what.error : before;
    return hit;
}

template <class F> F next(const char* name)
{
    return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name));
}

} // namespace

extern "C" {

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at)
{
    static const auto real = next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
    const bool counts = what.active && is_named(fd, "/state.db-wal");
    if (counts && begins_commit(bytes, size)) {
        reach_boundary();
        commits = true;
    }
    if (fails(fd, counts)) return -1;
    const auto written = real(fd, bytes, size, at);
    const int error = errno;
    if (counts && size != header_size && commits.exchange(false)) reach_boundary();
    errno = error;
    return written;
}

int fdatasync(int fd)
{
    static const auto real = next<int (*)(int)>("fdatasync");
    if (what.syncs_in) note_durable("sync", name_of(fd));
    return fails(fd, false) ? -1 : real(fd);
}

int syncfs(int fd) noexcept
{
    static const auto real = next<int (*)(int)>("syncfs");
    if (what.syncs_in) note_durable("syncfs", name_of(fd));
    return real(fd);
}

int rename(const char* from, const char* to) noexcept
{
    static const auto real = next<int (*)(const char*, const char*)>("rename");
    const int done = real(from, to);
    if (what.syncs_in && done == 0) note_durable("name", to);
    return done;
}

int link(const char* from, const char* to) noexcept
{
    static const auto real = next<int (*)(const char*, const char*)>("link");
    const int done = real(from, to);
    if (what.syncs_in && done == 0) note_durable("name", to);
    return done;
}

int fsync(int fd)
{
    static const auto real = next<int (*)(int)>("fsync");
    if (what.syncs_in) note_durable("sync", name_of(fd));
    return fails(fd, false) ? -1 : real(fd);
}

int ftruncate64(int fd, off64_t size) noexcept
{
    static const auto real = next<int (*)(int, off64_t)>("ftruncate64");
    return fails(fd, false) ? -1 : real(fd, size);
}
}
