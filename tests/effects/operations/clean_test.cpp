// What `clean` removes of what is long over.

#include "graftline/effects/checkout/task_names.hpp"

#include "tests/effects/workshop.hpp"
#include "tests/support/processes.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

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

    /// All that it tells of, a line each.
    std::vector<std::string> all_of_clean(bool dry_run)
    {
        observer nobody;
        auto found = w.with([&](std::shared_ptr<project> in) {
                          return effects::clean(std::move(in), dry_run, false, nobody);
                      }).value();
        std::vector<std::string> told;
        for (const auto& one : found)
            told.push_back((one.removed ? "removed " : "") + one.what + ": " + one.why);
        return told;
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
    w.repo.git_in(landed.tasks[1].worktree, "checkout", "-q", "--detach");
    w.repo.git("worktree", "add", "-q", in_use.string(), landed.tasks[1].branch);
    clean(); // removes the worktrees: what is left is the branch
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

TEST_F(Clean, RemovesWhatIsProvablyDoneAndSaysWhyTheRestIsLeft)
{
    w.defaults.keep_worktrees = true;
    const auto landed = w.run({"Add login"}, writes_a_file).tasks[0];
    w.defaults.land.reset();
    const auto empty = w.run({"Look around"}, "true").tasks[0];
    const auto by_hand = w.run({"Lands by hand"}, writes_a_file).tasks[0];
    w.repo.git("merge", "-q", "--no-edit", by_hand.branch);
    const auto open = w.run({"Not landed"}, writes_a_file).tasks[0];
    const auto failed = w.run({"Fail"}, "echo half > half.txt; exit 3").tasks[0];
    const std::vector<std::pair<task, std::string>> gone{{landed, "landed as " + landed.landed.substr(0, 10)},
                                                         {empty, "it changed nothing"},
                                                         {by_hand, "main has all of it"}};
    const std::vector<std::pair<task, std::string>> left{{open, "completed"},
                                                         {failed, "failed: exit status 3"}};

    const auto told = all_of_clean(true);
    EXPECT_EQ(w.worktrees().size(), 5u) << "it was only asked";
    EXPECT_EQ(all_of_clean(false), told) << "it does what it said";
    for (const auto& [t, why] : gone) {
        EXPECT_THAT(told, Contains("removed worktree " + t.worktree + ": task " + t.id + ": " + why));
        EXPECT_FALSE(fs::exists(t.worktree));
        EXPECT_FALSE(w.has("refs/heads/" + t.branch));
    }
    for (const auto& [t, why] : left) {
        EXPECT_THAT(told, Contains("worktree " + t.worktree + ": left: task " + t.id + " is " + why));
        EXPECT_TRUE(fs::exists(t.worktree));
        EXPECT_TRUE(w.has("refs/heads/" + t.branch));
    }
}

TEST_F(Clean, TriesAgainWhatARemovalHasLeft)
{
    w.defaults.land.reset();
    const auto t = w.run({"Work"}, writes_a_file).tasks[0];
    const fs::path inside = fs::path(t.worktree) / "mounted";
    fs::create_directory(inside);
    if (::mount("tmpfs", inside.c_str(), "tmpfs", 0, "size=1m") != 0)
        GTEST_SKIP() << "nothing can be mounted here";
    const auto removed = w.with([&](std::shared_ptr<project> in) -> awaitable<result<task>> {
        observer nobody;
        co_return co_await discard_task(in, t.id, false, nobody);
    });
    ASSERT_FALSE(removed);
    const auto words = removed.error().message();
    const auto trash = w.repo.git_folder() / "graftline" / "trash";
    const auto left = fs::directory_iterator(trash)->path();
    EXPECT_THAT(words, HasSubstr(left.string()));
    EXPECT_THAT(words, HasSubstr((left / "mounted").string()));
    EXPECT_THAT(words, HasSubstr("graftline clean"));

    // As a later command finds it: the process that removed it is gone.
    const pid_t gone = ::fork();
    if (gone == 0) ::_exit(0);
    ASSERT_EQ(::waitpid(gone, nullptr, 0), gone);
    const auto later = trash / (std::to_string(gone) + "-1");
    ASSERT_EQ(::umount2((left / "mounted").c_str(), MNT_DETACH), 0);
    fs::rename(left, later);
    ASSERT_EQ(::mount("tmpfs", (later / "mounted").c_str(), "tmpfs", 0, "size=1m"), 0);
    const auto what = "folder of a removed worktree " + later.string();
    EXPECT_THAT(all_of_clean(false),
                Contains(testing::AllOf(HasSubstr(what), HasSubstr("left: another file system"))));
    ASSERT_EQ(::umount2((later / "mounted").c_str(), MNT_DETACH), 0);
    EXPECT_THAT(clean(true), Contains(HasSubstr(later.string())));
    EXPECT_TRUE(fs::exists(later)) << "it was only asked";
    EXPECT_THAT(clean(), Contains(HasSubstr(later.string())));
    EXPECT_FALSE(fs::exists(later));
}

TEST_F(Clean, RemovesWhatADeadProcessLeft)
{
    const auto t = w.run({"Work"}, writes_a_file).tasks[0];
    const auto state = w.repo.git_folder() / "graftline";
    test::write_file(state / "runs/run-dead.lock", "");
    fs::create_directories(state / "scratch/pack-dead");
    const auto tested = state / "scratch/tested";
    w.repo.git("worktree", "add", "-q", "--detach", "--lock", "--reason", lock_reason("tested"),
               tested.string());
    const auto told = all_of_clean(true);
    EXPECT_TRUE(fs::exists(tested));
    EXPECT_EQ(all_of_clean(false), told);
    for (const auto& path : {state / "runs/run-dead.lock", state / "scratch/pack-dead", tested}) {
        EXPECT_THAT(told, Contains(HasSubstr(path.string())));
        EXPECT_FALSE(fs::exists(path)) << path;
    }
    EXPECT_THAT(w.worktrees(), IsEmpty());
}

TEST_F(Clean, EndsAnAgentOfATaskThatNobodyGoesOnWith)
{
    std::string id;
    {
        // The process dies while the agent works: its loop is destroyed under it.
        const auto begun = w.repo.root() / "begun";
        w.defaults.command = {"sh", "-c", "touch '" + begun.string() + "'; sleep 600"};
        asio::io_context io(1);
        auto in = w.open(io);
        observer nobody;
        auto body = [&]() -> awaitable<void> {
            auto tasks = (co_await make_tasks(in, {{"Work", {}, {}}}, w.defaults)).value();
            id = tasks.at(0).id;
            (void)co_await run_tasks(in, tasks, {}, nobody, w.button);
        };
        asio::co_spawn(io, body, [](std::exception_ptr) {});
        ASSERT_TRUE(test::soon([&] {
            io.restart();
            io.run_for(std::chrono::milliseconds(5));
            return fs::exists(begun);
        }));
    }
    w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        co_await in->must_store(
            [&](store& s) { s.change(id, [](task& now) { now.state = task_state::cancelled; }); });
    });
    const auto mark = "GRAFTLINE_TASK_ID=" + id;
    const auto told = all_of_clean(true);
    EXPECT_THAT(told, Contains(HasSubstr("agent of task " + id)));
    EXPECT_GT(test::running_with(mark), 0u) << "it was only asked";
    all_of_clean(false);
    EXPECT_EQ(test::running_with(mark), 0u);
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
