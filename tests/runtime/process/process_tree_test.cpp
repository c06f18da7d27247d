#include "graftline/runtime/process/child.hpp"
#include "graftline/runtime/process/process_tree.hpp"

#include <boost/asio/io_context.hpp>

#include "tests/support/ordinary_user.hpp"
#include "tests/support/test_repository.hpp"
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

namespace graftline {
namespace {

namespace fs = std::filesystem;

/// A program with a name that no other has, in a folder of its own.
class ProgramsThatRun : public testing::Test {
protected:
    static constexpr const char* name = "gl-tests-sleep";

    ProgramsThatRun()
    {
        fs::copy_file(fs::canonical("/bin/sleep"), folder.path() / name);
        launch how;
        how.words = {(folder.path() / name).string(), "1000"};
        how.environment = current_environment();
        how.folder = folder.path();
        program = child::start(io.get_executor(), how).value();
    }
    static bool is_named(std::string_view comm) { return comm == name; }
    static bool begins(std::string_view comm) { return comm == std::string_view(name).substr(0, 5); }

    asio::io_context io{1};
    test::temporary_folder folder;
    std::unique_ptr<child> program;
};

TEST_F(ProgramsThatRun, AreFoundByTheirWholeNameAndWhereTheyWork)
{
    EXPECT_TRUE(runs_in({folder.path()}, {is_named, std::nullopt}));
    EXPECT_TRUE(runs_in({folder.path()}, {is_named, std::set<uid_t>{}})) << "it shows where it works";
    EXPECT_FALSE(runs_in({folder.path() / "below"}, {is_named, std::nullopt}));
    EXPECT_FALSE(runs_in({folder.path()}, {begins, std::nullopt}));
}

TEST_F(ProgramsThatRun, OfAnotherUserCountWhereThatUserIsAskedFor)
{
    if (::geteuid() != 0) GTEST_SKIP() << "only root can act as two users";
    const auto seen = [&](std::optional<std::set<uid_t>> users) {
        return test::as_nobody([&] { return runs_in({"/nowhere"}, {is_named, users}) ? 1 : 0; });
    };
    EXPECT_EQ(seen(std::nullopt), 1);
    EXPECT_EQ(seen(std::set<uid_t>{0}), 1);
    EXPECT_EQ(seen(std::set<uid_t>{65534}), 0);
}

TEST(AProcess, ThatCannotBeReadAboutStillRuns)
{
    const auto ourselves = facts_of(::getpid());
    ASSERT_TRUE(ourselves);
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{0, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
    const bool unread = !facts_of(::getpid());
    const bool runs = still_runs(::getpid(), ourselves->start_time);
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_TRUE(unread);
    EXPECT_TRUE(runs);
    EXPECT_TRUE(still_runs(::getpid(), ourselves->start_time));
    EXPECT_FALSE(still_runs(::getpid(), ourselves->start_time + 1));
}

} // namespace
} // namespace graftline
