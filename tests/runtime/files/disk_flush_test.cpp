#include "graftline/runtime/async/parallel.hpp"
#include "graftline/runtime/files/disk_flush.hpp"

#include "tests/support/cancel_at_every_step.hpp"
#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gtest/gtest.h>

namespace graftline::test {
namespace {

TEST(DiskFlush, TakesWhatIsNotThereForDone)
{
    temporary_folder folder;
    write_file(folder.path() / "file", "text");
    std::filesystem::create_symlink("nowhere", folder.path() / "link");
    const auto done = run_here(flush_files({folder.path() / "file", folder.path(), folder.path() / "link",
                                            folder.path() / "none", folder.path() / "file/below"}));
    EXPECT_TRUE(done.has_value()) << done.error().message();
}

TEST(DiskFlush, OfFileSystemsIsSharedByAllThatWait)
{
    asio::io_context io(1);
    file_system_flush disk(io.get_executor());
    temporary_folder folder;
    auto body = [&]() -> awaitable<void> {
        std::vector<awaitable<result<void>>> waits;
        for (int at = 0; at < 5; ++at)
            waits.push_back(disk.wait({folder.path(), folder.path() / "none", "/proc/self"}));
        const auto all = co_await parallel::all(std::move(waits));
        for (const auto& one : all)
            EXPECT_TRUE(one.value().has_value());
    };
    run_here(io, body());
}

class flushing : public scenario {
public:
    explicit flushing(asio::io_context& io) : disk_(io.get_executor()) {}
    awaitable<void> body() override { (void)co_await disk_.wait({folder_.path()}); }
    void check() override
    {
        asio::io_context io(1);
        file_system_flush again(io.get_executor());
        EXPECT_TRUE(run_here(io, again.wait({folder_.path()})));
    }

private:
    temporary_folder folder_;
    file_system_flush disk_;
};

TEST(DiskFlush, CanBeCancelledAtEveryStep)
{
    cancel_at_every_step([](asio::io_context& io) { return std::make_unique<flushing>(io); });
}

} // namespace
} // namespace graftline::test
