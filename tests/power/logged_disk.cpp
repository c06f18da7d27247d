#include "tests/power/logged_disk.hpp"

#include "graftline/runtime/process/command.hpp"

#include "tests/support/hang_guard.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/test_repository.hpp"
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

std::string make_program(const std::string& kind)
{
    for (const char* folder : {"/usr/sbin", "/sbin", "/usr/bin"})
        if (const auto program = fs::path(folder) / ("mkfs." + kind); ::access(program.c_str(), X_OK) == 0)
            return program;
    return {};
}

void unmount(const fs::path& at)
{
    if (soon([&] { return ::umount2(at.c_str(), 0) == 0 || errno != EBUSY; }, 10s)) return;
    std::fprintf(stderr, "%s is in use and is unmounted when that ends\n", at.c_str());
    ::umount2(at.c_str(), MNT_DETACH);
}

} // namespace

std::string why_no_disk(const std::string& kind)
{
    if (make_program(kind).empty())
        return "mkfs." + kind + " is not installed (packages e2fsprogs, xfsprogs, btrfs-progs)";
    if (::geteuid() != 0 || !mount_for_ourselves()) return "only root can mount file systems";
    if (const descriptor fuse(::open("/dev/fuse", O_RDWR | O_CLOEXEC)); !fuse) return "there is no /dev/fuse";
    const descriptor loops(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    const int number = loops ? ::ioctl(loops.get(), LOOP_CTL_GET_FREE) : -1;
    const descriptor loop(::open(("/dev/loop" + std::to_string(number)).c_str(), O_RDWR | O_CLOEXEC));
    return loop ? std::string() : "there is no loop device";
}

bool mount_for_ourselves()
{
    static const bool alone =
        ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    return alone;
}

mounted::mounted(const fs::path& disk, fs::path at, const std::string& kind) : at_(std::move(at))
{
    fs::create_directories(at_);
    // A copy of an xfs has the identity of the original, which may still be known.
    command mount("mount");
    mount.args("-t", kind, "-o", kind == "xfs" ? "loop,nouuid" : "loop", disk.string(), at_.string());
    const auto ended = run_here(run(std::move(mount))).value();
    if (!ended.ok()) throw std::runtime_error("cannot mount " + disk.string() + ": " + ended.err);
}

mounted::~mounted()
{
    unmount(at_);
}

void make_image(const fs::path& image, const std::string& kind, std::uintmax_t size)
{
    write_file(image, "");
    fs::resize_file(image, size);
    command make(make_program(kind));
    make.args("-q", image.string());
    const auto ended = run_here(run(std::move(make))).value();
    if (!ended.ok()) throw std::runtime_error("mkfs." + kind + ": " + ended.err);
}

logged_disk::logged_disk(const fs::path& image, fs::path at, const fs::path& log,
                         std::chrono::microseconds flush_takes)
    : at_(std::move(at))
{
    fs::create_directories(at_);
    int to_server[2];
    int from_server[2];
    if (::pipe2(to_server, O_CLOEXEC) != 0 || ::pipe2(from_server, O_CLOEXEC) != 0)
        throw std::runtime_error("no pipe");
    const descriptor in(to_server[0]);
    marks_ = descriptor(to_server[1]);
    const descriptor ready(from_server[0]);
    descriptor out(from_server[1]);
    launch how;
    how.words = {GRAFTLINE_LOGGING_DISK, at_.string(), image.string(), log.string(),
                 std::to_string(flush_takes.count())};
    how.environment = current_environment();
    how.in = in.get();
    how.out = out.get();
    how.err = STDERR_FILENO;
    server_ = child::start(io_.get_executor(), how).value();
    out.reset();
    std::string word;
    if (!read_all(ready.get(), word, 100) || word != "ready\n")
        throw std::runtime_error("the logging disk did not start");
}

logged_disk::~logged_disk()
{
    unmount(at_);
    if (!server_->ended_within(10s)) std::fprintf(stderr, "the logging disk did not end by itself\n");
}

void logged_disk::mark(const std::string& line) const
{
    write_all(marks_.get(), line + "\n");
}

} // namespace graftline::test
