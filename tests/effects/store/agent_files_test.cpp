#include "graftline/effects/store/agent_files.hpp"

#include "tests/effects/workshop.hpp"
#include <gtest/gtest.h>

#include <filesystem>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

class AgentFiles : public testing::Test {
protected:
    /// `body(project)`, which makes them.
    template <class Body> void with_project(const Body& body)
    {
        w.with([&](std::shared_ptr<project> in) -> awaitable<void> { co_await body(*in); });
    }
    static task one()
    {
        task t;
        t.id = "abc123";
        return t;
    }

    test::workshop w;
};

// A process may be killed in between: what is there is named by the attempt, and the attempt by the task.
TEST_F(AgentFiles, NameTheTemporaryFolderBeforeItIsMade)
{
    with_project([](project& in) -> awaitable<void> {
        agent_files files(in, one(), "");
        EXPECT_FALSE(fs::exists(files.temporary()));
        EXPECT_EQ(agent_files(files.folder()).temporary(), files.temporary());
        files.make_temporary("abc123");
        EXPECT_TRUE(fs::is_directory(files.temporary()));
        co_await drop_temporary_of(files.folder());
        EXPECT_FALSE(fs::exists(files.temporary()));
    });
}

TEST_F(AgentFiles, TakeAnotherNameForWhatSomebodyElseHasMade)
{
    with_project([](project& in) -> awaitable<void> {
        agent_files files(in, one(), "");
        const auto taken = files.temporary();
        fs::create_directory(taken);
        files.make_temporary("abc123");
        EXPECT_NE(files.temporary(), taken);
        co_await drop_temporary_of(files.folder());
        EXPECT_TRUE(fs::is_directory(taken));
        EXPECT_FALSE(fs::exists(files.temporary()));
        fs::remove(taken);
    });
}

} // namespace
} // namespace graftline::effects
