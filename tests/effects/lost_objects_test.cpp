// Objects of a task's branch that are gone: by a power cut, or by whoever cleaned up among them.
#include "graftline/effects/operations/after_boot.hpp"

#include "tests/effects/workshop.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

/// Adds a file, takes it away again, and adds another.
constexpr const char* three_commits = "echo one > one; git add one; git commit -qm A;"
                                      "git rm -q one; git commit -qm B --allow-empty;"
                                      "mkdir in; echo two > in/two; git add in; git commit -qm C";

class LostObjects : public testing::Test {
protected:
    LostObjects()
    {
        w.repo.commit_file("a", "a\n");
        made = w.run({"Work"}, three_commits).tasks.at(0);
        EXPECT_EQ(made.state, task_state::completed) << made.reason;
    }

    void lose(const std::string& rev)
    {
        const auto hex = w.repo.git("rev-parse", rev);
        EXPECT_TRUE(fs::remove(w.repo.git_folder() / "objects" / hex.substr(0, 2) / hex.substr(2))) << rev;
    }
    std::string tip() { return w.repo.git("rev-parse", made.branch); }
    std::string at(const std::string& suffix) { return made.branch + suffix; }

    /// What the next command does first; `restarted`: and the machine was.
    std::vector<std::string> recover(bool restarted)
    {
        return w.with([&](std::shared_ptr<project> in) -> awaitable<std::vector<std::string>> {
            if (restarted) fs::remove(in->state_folder() / "boot");
            co_return (co_await recover_after_boot(in)).value();
        });
    }
    std::vector<std::string> recover_after(const std::string& lost)
    {
        w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
            (void)(co_await recover_after_boot(in)).value();
        });
        lose(lost);
        return recover(false);
    }
    result<run_report> land(std::optional<land_mode> mode)
    {
        land_options how;
        how.mode = mode;
        return w.with(
            [&](std::shared_ptr<project> in) { return land_tasks(in, {made.id}, how, silent, w.button); });
    }
    result<task> discard()
    {
        return w.with([&](std::shared_ptr<project> in) { return discard_task(in, made.id, false, silent); });
    }
    bool is_kept(const std::string& commit)
    {
        return !test::try_git(w.repo.top(), {"for-each-ref", "--contains", commit}).out.empty();
    }

    test::workshop w;
    task made;
    observer silent;
};

TEST_F(LostObjects, OfAnOlderCommitMoveNoBranch)
{
    const auto was = tip();
    lose(at("~2:one"));
    EXPECT_THAT(recover(true), Contains(HasSubstr("--mode squash")));
    EXPECT_EQ(tip(), was);

    const auto refused = land({});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message(), AllOf(HasSubstr("missing"), HasSubstr("--mode squash")));
    EXPECT_EQ(tip(), was);

    const auto landed = land(land_mode::squash);
    ASSERT_TRUE(landed) << landed.error().message();
    EXPECT_EQ(landed->tasks.at(0).state, task_state::merged) << landed->tasks.at(0).reason;
    EXPECT_EQ(w.repo.git("show", "main:in/two"), "two");
    EXPECT_TRUE(is_kept(was));
    EXPECT_FALSE(w.has("refs/heads/" + made.branch));
}

TEST_F(LostObjects, OfAnOlderCommitDoNotKeepATaskFromBeingDiscarded)
{
    const auto was = tip();
    lose(at("~2^{tree}"));
    EXPECT_THAT(recover(true), Contains(HasSubstr("--mode squash")));
    const auto gone = discard();
    ASSERT_TRUE(gone) << gone.error().message();
    EXPECT_TRUE(is_kept(was));
}

TEST_F(LostObjects, OfItsTipMoveABranchNoFurtherThanNeeded)
{
    const auto was = tip(), before = w.repo.git("rev-parse", at("~1"));
    lose(at(":in/two"));
    EXPECT_THAT(recover(true), Contains(HasSubstr("is in refs/graftline/rescue/" + made.id + "/1")));
    EXPECT_EQ(tip(), before);
    EXPECT_TRUE(is_kept(was));
    EXPECT_THAT(w.find(made.id).rescues, Contains("refs/graftline/rescue/" + made.id + "/1"));
    const auto gone = discard();
    ASSERT_TRUE(gone) << gone.error().message();
    EXPECT_TRUE(is_kept(was));
}

TEST_F(LostObjects, AreNoticedBetweenRestartsWhenATipLacksItsTree)
{
    const auto was = tip(), before = w.repo.git("rev-parse", at("~1"));
    const auto said = recover_after(at("^{tree}"));
    EXPECT_THAT(said, Contains(AllOf(HasSubstr(was), HasSubstr("graftline commit " + made.id))));
    EXPECT_EQ(tip(), before);
    const auto committed = w.with(
        [&](std::shared_ptr<project> in) { return commit_task(in, made.id, "again", "", "", silent); });
    ASSERT_TRUE(committed) << committed.error().message();
    const auto landed = land({});
    ASSERT_TRUE(landed) << landed.error().message();
    EXPECT_EQ(w.repo.git("show", "main:in/two"), "two");
}

TEST_F(LostObjects, OfATipDoNotKeepATaskFromBeingDiscarded)
{
    const auto before = w.repo.git("rev-parse", at("~1"));
    EXPECT_FALSE(recover_after(at("^{tree}")).empty());
    const auto gone = discard();
    ASSERT_TRUE(gone) << gone.error().message();
    EXPECT_TRUE(is_kept(before));
}

TEST_F(LostObjects, DamagedOnesAreWrittenAgain)
{
    const auto hex = w.repo.git("rev-parse", at("^{tree}"));
    (void)recover(true);
    const auto file = w.repo.git_folder() / "objects" / hex.substr(0, 2) / hex.substr(2);
    fs::permissions(file, fs::perms::owner_write, fs::perm_options::add);
    test::write_file(file, "garbage");
    EXPECT_FALSE(recover(false).empty());
    const auto committed = w.with(
        [&](std::shared_ptr<project> in) { return commit_task(in, made.id, "again", "", "", silent); });
    ASSERT_TRUE(committed) << committed.error().message();
    EXPECT_EQ(w.repo.git("show", at(":in/two")), "two");
}

TEST_F(LostObjects, NothingIsSaidOfWhatReads)
{
    EXPECT_THAT(recover(true), IsEmpty());
    EXPECT_THAT(recover(false), IsEmpty());
}

/// Packs of landings.
class LostIndexes : public testing::Test {
protected:
    LostIndexes()
    {
        w.repo.commit_file("a", "a\n");
        w.defaults.land = land_mode::merge;
        landed = w.run({"One"}, "echo one > one").tasks.at(0);
        EXPECT_EQ(landed.state, task_state::merged);
        for (const auto& entry : fs::directory_iterator(w.repo.git_folder() / "objects/pack"))
            if (entry.path().extension() == ".pack") packs.push_back(entry.path());
        EXPECT_FALSE(packs.empty());
    }
    void lose(const char* extension)
    {
        for (auto pack : packs)
            EXPECT_TRUE(fs::remove(pack.replace_extension(extension)));
    }
    std::vector<std::string> recover()
    {
        return w.with([&](std::shared_ptr<project> in) -> awaitable<std::vector<std::string>> {
            auto said = (co_await recover_after_boot(in)).value();
            (co_await reconcile(in)).value();
            co_return said;
        });
    }

    test::workshop w;
    task landed;
    std::vector<fs::path> packs;
};

TEST_F(LostIndexes, AreWrittenAgain)
{
    lose(".idx");
    EXPECT_FALSE(w.has("main^{tree}"));
    EXPECT_THAT(recover(), Contains(HasSubstr(packs.at(0).string())));
    EXPECT_EQ(w.repo.git("show", "main:one"), "one");
    w.repo.git("fsck", "--strict");
    EXPECT_THAT(recover(), IsEmpty());
}

TEST_F(LostIndexes, OfPacksThatAreGoneTooKeepNoOtherTaskFromBeingDealtWith)
{
    w.defaults.base = "main~1";
    const auto other = w.run({"Two"}, "echo two > two; exit 3").tasks.at(0);
    lose(".idx");
    lose(".pack");
    recover();
    observer silent;
    const auto gone =
        w.with([&](std::shared_ptr<project> in) { return discard_task(in, other.id, false, silent); });
    ASSERT_TRUE(gone) << gone.error().message();
    EXPECT_EQ(w.repo.git("show", "refs/graftline/rescue/" + other.id + "/1:two"), "two");
}

} // namespace
} // namespace graftline::effects
