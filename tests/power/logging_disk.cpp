// A disk that logs: a file system with one file, `disk`, to lie below a loop device. It keeps its contents in
// memory and logs every write and every flush in the order in which it served them, with the lines that come
// on standard input between them. It is a process of its own: what waits for a disk must not be what serves
// it.
//
// usage: logging_disk MOUNT-POINT IMAGE LOG FLUSH-MICROSECONDS; prints "ready" when it is mounted

#include "tests/power/disk_record.hpp"
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::test {
namespace {

constexpr std::uint64_t root_node = 1;
constexpr std::uint64_t disk_node = 2;
constexpr std::uint32_t largest_write = 1u << 20;
constexpr std::uint64_t for_an_hour = 3600;

[[noreturn]] void give_up(const char* what)
{
    std::perror(what);
    std::exit(1);
}

class logging_disk {
public:
    logging_disk(const char* image, const char* log, useconds_t flush_time);
    void mount_at(const char* folder);
    /// Until it is unmounted.
    void serve();

private:
    bool serve_request();
    void answer(const fuse_in_header& request, const char* body);
    void introduce(std::uint64_t request, const fuse_init_in& kernel);
    void look_up(std::uint64_t request, const char* name);
    void read(std::uint64_t request, const fuse_read_in& what);
    void write(std::uint64_t request, const fuse_write_in& what);
    void zero(std::uint64_t request, const fuse_fallocate_in& what);
    void flush(std::uint64_t request);
    fuse_attr attributes(std::uint64_t node) const;

    void read_marks();
    void log(disk_event event, std::uint64_t offset, std::uint64_t length, const char* contents = nullptr);
    void reply(std::uint64_t request, int error, const void* body, std::size_t size);
    template <class T> void reply(std::uint64_t request, const T& body)
    {
        reply(request, 0, &body, sizeof body);
    }

    char* memory_ = nullptr;
    std::uint64_t size_ = 0;
    int log_;
    int kernel_ = -1;
    useconds_t flush_time_;
    std::vector<char> request_ = std::vector<char>(largest_write + 65536);
    std::string half_a_mark_;
    bool marks_may_come_ = true;
};

logging_disk::logging_disk(const char* image, const char* log, useconds_t flush_time)
    : log_(::open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600)), flush_time_(flush_time)
{
    if (log_ < 0) give_up(log);
    const int begin = ::open(image, O_RDONLY | O_CLOEXEC);
    struct stat facts{};
    if (begin < 0 || ::fstat(begin, &facts) != 0) give_up(image);
    size_ = static_cast<std::uint64_t>(facts.st_size);
    void* at = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, begin, 0);
    if (at == MAP_FAILED) give_up(image);
    memory_ = static_cast<char*>(at);
    ::close(begin);
}

void logging_disk::mount_at(const char* folder)
{
    kernel_ = ::open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (kernel_ < 0) give_up("/dev/fuse");
    const auto options = "fd=" + std::to_string(kernel_) + ",rootmode=40000,user_id=0,group_id=0";
    if (::mount("logging_disk", folder, "fuse", MS_NOSUID | MS_NODEV, options.c_str()) != 0) give_up(folder);
}

void logging_disk::serve()
{
    for (;;) {
        pollfd of[2] = {{kernel_, POLLIN, 0}, {marks_may_come_ ? STDIN_FILENO : -1, POLLIN, 0}};
        if (::poll(of, 2, -1) < 0 && errno != EINTR) give_up("poll");
        if (of[1].revents) read_marks(); // first: what was said before a request is logged before it
        if (of[0].revents && !serve_request()) return;
    }
}

void logging_disk::read_marks()
{
    char bytes[65536];
    const auto count = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (count <= 0) marks_may_come_ = false;
    for (ssize_t i = 0; i < count; ++i) {
        if (bytes[i] != '\n') {
            half_a_mark_ += bytes[i];
            continue;
        }
        log(disk_event::mark, 0, half_a_mark_.size(), half_a_mark_.data());
        half_a_mark_.clear();
    }
}

void logging_disk::log(disk_event event, std::uint64_t offset, std::uint64_t length, const char* contents)
{
    disk_record record{event, offset, length};
    iovec parts[2] = {{&record, sizeof record}, {const_cast<char*>(contents), contents ? length : 0}};
    const auto all = static_cast<ssize_t>(parts[0].iov_len + parts[1].iov_len);
    if (::writev(log_, parts, 2) != all) give_up("log");
}

void logging_disk::reply(std::uint64_t request, int error, const void* body, std::size_t size)
{
    fuse_out_header head{static_cast<std::uint32_t>(sizeof head + size), error, request};
    iovec parts[2] = {{&head, sizeof head}, {const_cast<void*>(body), size}};
    // ENOENT: the request was given up meanwhile.
    if (::writev(kernel_, parts, 2) < 0 && errno != ENOENT) give_up("reply");
}

/// False when it has been unmounted.
bool logging_disk::serve_request()
{
    const auto count = ::read(kernel_, request_.data(), request_.size());
    if (count < 0) {
        if (errno == EINTR || errno == EAGAIN || errno == ENOENT) return true;
        if (errno == ENODEV) return false;
        give_up("read");
    }
    fuse_in_header head;
    std::memcpy(&head, request_.data(), sizeof head);
    answer(head, request_.data() + sizeof head);
    return head.opcode != FUSE_DESTROY;
}

template <class T> const T& as(const char* body)
{
    return *reinterpret_cast<const T*>(body);
}

void logging_disk::answer(const fuse_in_header& request, const char* body)
{
    switch (request.opcode) {
    case FUSE_INIT: return introduce(request.unique, as<fuse_init_in>(body));
    case FUSE_LOOKUP: return look_up(request.unique, body);
    case FUSE_GETATTR:
    case FUSE_SETATTR: {
        fuse_attr_out of{};
        of.attr_valid = for_an_hour;
        of.attr = attributes(request.nodeid);
        return reply(request.unique, of);
    }
    case FUSE_OPEN:
    case FUSE_OPENDIR: {
        fuse_open_out open{};
        open.open_flags = FOPEN_KEEP_CACHE;
        return reply(request.unique, open);
    }
    case FUSE_READ: return read(request.unique, as<fuse_read_in>(body));
    case FUSE_WRITE: return write(request.unique, as<fuse_write_in>(body));
    case FUSE_FALLOCATE: return zero(request.unique, as<fuse_fallocate_in>(body));
    case FUSE_FSYNC: return flush(request.unique);
    case FUSE_STATFS: {
        fuse_statfs_out room{};
        room.st.bsize = 4096;
        room.st.blocks = size_ / 4096;
        room.st.namelen = 255;
        return reply(request.unique, room);
    }
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
    case FUSE_FLUSH:
    case FUSE_ACCESS:
    case FUSE_DESTROY: return reply(request.unique, 0, nullptr, 0);
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT: return; // these have no answer
    default: return reply(request.unique, -ENOSYS, nullptr, 0);
    }
}

void logging_disk::introduce(std::uint64_t request, const fuse_init_in& kernel)
{
    fuse_init_out ours{};
    ours.major = FUSE_KERNEL_VERSION;
    ours.minor = 31;
    ours.max_readahead = kernel.max_readahead;
    ours.flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES | FUSE_ASYNC_READ;
    ours.max_background = 256;
    ours.congestion_threshold = 200;
    ours.max_write = largest_write;
    ours.max_pages = largest_write / 4096;
    ours.time_gran = 1;
    reply(request, ours);
}

fuse_attr logging_disk::attributes(std::uint64_t node) const
{
    fuse_attr a{};
    a.ino = node;
    a.nlink = 1;
    a.blksize = 4096;
    a.mode = node == root_node ? S_IFDIR | 0755 : S_IFREG | 0600;
    if (node == disk_node) {
        a.size = size_;
        a.blocks = size_ / 512;
    }
    return a;
}

void logging_disk::look_up(std::uint64_t request, const char* name)
{
    if (std::string_view(name) != "disk") return reply(request, -ENOENT, nullptr, 0);
    fuse_entry_out found{};
    found.nodeid = disk_node;
    found.entry_valid = found.attr_valid = for_an_hour;
    found.attr = attributes(disk_node);
    reply(request, found);
}

void logging_disk::read(std::uint64_t request, const fuse_read_in& what)
{
    const auto from = std::min(what.offset, size_);
    reply(request, 0, memory_ + from, std::min<std::uint64_t>(what.size, size_ - from));
}

void logging_disk::write(std::uint64_t request, const fuse_write_in& what)
{
    if (what.offset + what.size > size_) return reply(request, -ENOSPC, nullptr, 0);
    const auto* contents = reinterpret_cast<const char*>(&what + 1);
    std::memcpy(memory_ + what.offset, contents, what.size);
    log(disk_event::write, what.offset, what.size, contents);
    fuse_write_out all{};
    all.size = what.size;
    reply(request, all);
}

/// A discard and a write of zeros come as this.
void logging_disk::zero(std::uint64_t request, const fuse_fallocate_in& what)
{
    if (what.offset + what.length > size_) return reply(request, -ENOSPC, nullptr, 0);
    std::memset(memory_ + what.offset, 0, what.length);
    log(disk_event::zero, what.offset, what.length);
    reply(request, 0, nullptr, 0);
}

void logging_disk::flush(std::uint64_t request)
{
    if (flush_time_ > 0) ::usleep(flush_time_);
    log(disk_event::flush, 0, 0);
    reply(request, 0, nullptr, 0);
}

} // namespace
} // namespace graftline::test

int main(int argc, char** argv)
{
    if (argc != 5) return 2;
    // A test that is killed takes its disk along; what is mounted on it has lost its device then.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    graftline::test::logging_disk disk(argv[2], argv[3], static_cast<useconds_t>(std::atol(argv[4])));
    disk.mount_at(argv[1]);
    std::puts("ready");
    std::fclose(stdout);
    disk.serve();
}
