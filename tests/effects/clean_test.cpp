// What `clean` removes of what is long over.
#include "tests/effects/workshop.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::effects {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace fs = std::filesystem;

class Clean : public testing::Test {
protected:
    Clean()
    {
        w.repo.commit_file("shared.txt", "one\n");
        w.defaults.land = land_mode::merge;
    }

    /// What it removed, or would.
    std::vector<std::string> clean(bool dry_run = false)
    {
        observer nobody;
        auto found = w.with([&](std::shared_ptr<project> in) {
                          return effects::clean(std::move(in), dry_run, false, nobody);
                      }).value();
        std::vector<std::string> removed;
        for (const auto& one : found)
            if (one.removed) removed.push_back(one.what);
        return removed;
    }

    std::size_t effects_of(const std::string& run)
    {
        return w.with([run](std::shared_ptr<project> in) -> awaitable<std::size_t> {
            co_return co_await in->must_store([run](store& s) { return s.effects_of(run).size(); });
        });
    }

    fs::path logs_of(const task& t) { return w.repo.top() / ".git/graftline/logs" / t.id; }

    test::workshop w;
};

constexpr const char* writes_a_file = R"(echo x > "$GRAFTLINE_TASK_ID.txt")";

TEST_F(Clean, KeepsTheLogsAndTheJournalOfWhatIsOverForAsLongAsIsConfigured)
{
    const auto landed = w.run({"Add login"}, writes_a_file);
    ASSERT_EQ(landed.tasks[0].state, task_state::merged);
    EXPECT_THAT(clean(), IsEmpty()) << "it was over only now";
    EXPECT_TRUE(fs::exists(logs_of(landed.tasks[0])));

    w.repo.commit_file("graftline.toml", "[clean]\ndays = 0\n");
    const auto would = clean(true);
    EXPECT_THAT(would, Contains(HasSubstr("journal of ")));
    EXPECT_THAT(would, Contains(HasSubstr("logs ")));
    EXPECT_GT(effects_of(landed.run), 0U) << "it was only asked";
    EXPECT_THAT(clean(), Contains(HasSubstr("journal of ")));
    EXPECT_EQ(effects_of(landed.run), 0U) << "the run itself stays known";
    EXPECT_FALSE(fs::exists(logs_of(landed.tasks[0])));
    EXPECT_EQ(w.find(landed.tasks[0].id).landed, landed.tasks[0].landed);
}

TEST_F(Clean, OnlyAskedChangesNothingAndSaysWhatItWouldDo)
{
    w.defaults.keep_worktrees = true;
    const auto landed = w.run({"Add login", "Add logout"}, writes_a_file);
    const auto in_use = w.repo.root() / "in-use";
    w.repo.git("worktree", "unlock", landed.tasks[1].worktree);
    w.repo.git("worktree", "move", landed.tasks[1].worktree, in_use.string());
    clean(); // forgets where the moved one was
    const auto runs = [&] {
        return w.with([](std::shared_ptr<project> in) -> awaitable<std::size_t> {
            co_return co_await in->must_store([](store& s) { return s.runs().size(); });
        });
    };
    const auto before = runs();
    const auto would = clean(true);
    EXPECT_EQ(runs(), before);
    EXPECT_EQ(would, clean());
    EXPECT_TRUE(w.has(landed.tasks[1].branch)) << "it is checked out";
    EXPECT_TRUE(fs::exists(in_use));
}

TEST_F(Clean, LeavesTheJournalOfARunWithATaskThatIsNotOver)
{
    w.repo.commit_file("graftline.toml", "[clean]\ndays = 0\n");
    const auto failed = w.run({"Add login", "Fail"}, R"([ "$GRAFTLINE_TASK" != Fail ] && echo x > f.txt)");
    ASSERT_EQ(w.find(failed.tasks[1].id).state, task_state::failed);
    const auto effects = effects_of(failed.run);
    clean();
    EXPECT_EQ(effects_of(failed.run), effects);
}

TEST_F(Clean, RemovesTheOldestLogsOfWhatIsOverBeyondTheBytesThatAreConfigured)
{
    w.repo.commit_file("graftline.toml", "[clean]\nbytes = \"64KiB\"\n");
    const std::string prints = std::string("head -c 50000 /dev/zero; ") + writes_a_file;
    const auto first = w.run({"First"}, prints).tasks[0];
    const auto second = w.run({"Second"}, prints).tasks[0];
    EXPECT_THAT(clean(), Contains("logs " + logs_of(first).string()));
    EXPECT_FALSE(fs::exists(logs_of(first)));
    EXPECT_TRUE(fs::exists(logs_of(second)));
}

} // namespace
} // namespace graftline::effects
