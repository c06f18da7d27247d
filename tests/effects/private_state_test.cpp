// Who may read what lies in the state folder: prompts and environments among it.
#include "tests/effects/workshop.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

mode_t mode_of(const fs::path& path)
{
    struct stat info{};
    return ::lstat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

class PrivateState : public testing::Test {
protected:
    PrivateState() { ::umask(022); }

    fs::path state() const { return w.repo.git_folder() / "graftline"; }
    void work()
    {
        w.repo.commit_file("shared.txt", "one\n");
        w.run({"Add login"}, "echo half > half.txt; exit 3");
    }
    void next_command()
    {
        w.with([](std::shared_ptr<project> in) -> awaitable<void> { (co_await reconcile(in)).value(); });
    }
    /// What others may do anything with.
    std::vector<std::string> open_to_others() const
    {
        std::vector<std::string> all;
        if ((mode_of(state()) & 0077) != 0) all.push_back(state());
        for (const auto& entry : fs::recursive_directory_iterator(state()))
            if ((mode_of(entry.path()) & 0077) != 0) all.push_back(entry.path());
        return all;
    }

    test::workshop w;
};

TEST_F(PrivateState, IsItsUsersAlone)
{
    work();
    EXPECT_EQ(mode_of(state()), 0700u);
    for (const auto* files : {"logs", "tasks"})
        for (const auto& entry : fs::recursive_directory_iterator(state() / files))
            if (entry.is_regular_file() && entry.path().filename() != "lock")
                EXPECT_EQ(mode_of(entry.path()) & 0077, 0u) << entry.path();
    // While it is open, SQLite's own files beside it are there.
    w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        co_await in->must_store([](store& s) { s.tasks(); });
        for (const auto* end : {"", "-wal", "-shm"})
            EXPECT_EQ(mode_of(state() / ("state.db" + std::string(end))), 0600u) << end;
    });
}

TEST_F(PrivateState, ThatWasOpenOnceIsClosed)
{
    work();
    fs::permissions(state(), fs::perms(0755));
    for (const auto& entry : fs::recursive_directory_iterator(state()))
        fs::permissions(entry.path(), fs::perms(entry.is_directory() ? 0755 : 0644));
    next_command();
    EXPECT_THAT(open_to_others(), IsEmpty());
}

TEST_F(PrivateState, ThatIsReadOnlyForAWhileLeavesNothingBehindThatIs)
{
    work();
    const auto file = state() / "state.db";
    fs::permissions(file, fs::perms::owner_read);
    try {
        next_command();
        ADD_FAILURE() << "it cannot even be read";
    } catch (const fault_error& e) {
        EXPECT_THAT(e.what(), testing::HasSubstr("chmod u+rw '" + file.string() + "'"));
    }
    for (const auto* end : {"-wal", "-shm"})
        EXPECT_EQ(mode_of(file.string() + end) & 0200u, fs::exists(file.string() + end) ? 0200u : 0u) << end;
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
    next_command();
    // As an older graftline left them.
    w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        co_await in->must_store([](store& s) { s.tasks(); });
        for (const auto* end : {"-wal", "-shm"})
            fs::permissions(file.string() + end, fs::perms::owner_read);
        next_command();
        for (const auto* end : {"-wal", "-shm"})
            EXPECT_EQ(mode_of(file.string() + end), 0600u) << end;
    });
}

TEST(SharedState, IsItsGroupsToo)
{
    test::workshop w({"--shared=group"});
    ::umask(022);
    w.repo.commit_file("shared.txt", "one\n");
    w.run({"Add login"}, "echo half > half.txt; exit 3");
    w.with([](std::shared_ptr<project> in) -> awaitable<void> { (co_await reconcile(in)).value(); });
    const auto state = w.repo.git_folder() / "graftline";
    EXPECT_EQ(mode_of(state), 02770u);
    EXPECT_EQ(mode_of(state / "state.db"), 0660u);
    EXPECT_EQ(mode_of(state / "runs"), 02770u);
    for (const auto* files : {"logs", "tasks"})
        for (const auto& entry : fs::recursive_directory_iterator(state / files))
            EXPECT_EQ(mode_of(entry.path()), entry.is_directory() ? 02770u : 0660u) << entry.path();
}

TEST(SharedState, IsItsGroupsToReadWhileAnAgentWorks)
{
    test::workshop w({"--shared=group"});
    ::umask(077);
    w.repo.commit_file("shared.txt", "one\n");
    const auto log = (w.repo.git_folder() / "graftline/logs").string() + "/*/1/stdout.log";
    const auto report = w.run({"Look"}, "for i in $(seq 600); do stat -c %a " + log +
                                            " | grep -q 660 && exit; sleep 0.1; done; exit 1");
    ::umask(022);
    EXPECT_EQ(report.tasks.at(0).state, task_state::completed) << report.tasks.at(0).reason;
}

TEST_F(PrivateState, IsNobodyElsesToWriteUnderAnyUmask)
{
    ::umask(0);
    work();
    w.defaults.land = land_mode::merge;
    w.defaults.gates = {{"true"}};
    w.run({"Landed"}, "echo x > x.txt");
    ::umask(022);
    for (const auto& entry : fs::recursive_directory_iterator(state()))
        EXPECT_EQ(mode_of(entry.path()) & 0002, 0u) << entry.path();
}

} // namespace
} // namespace graftline::effects
