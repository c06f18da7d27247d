// A repository that several users share: what one carries out another neither ends nor goes on with.
#include "graftline/effects/operations/resume_run.hpp"
#include "graftline/effects/run/other_user.hpp"

#include "tests/effects/workshop.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace graftline::effects {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr uid_t owner = 54'321, asker = 54'322;

/// All of the process is the other user for a while.
class as_the_asker {
public:
    as_the_asker() { EXPECT_EQ(::seteuid(asker), 0); }
    ~as_the_asker() { EXPECT_EQ(::seteuid(0), 0); }
};

class OtherUser : public testing::Test {
protected:
    void SetUp() override
    {
        if (::geteuid() != 0) GTEST_SKIP() << "only root can be several users";
        ::umask(022);
        w.repo.commit_file("a", "a\n");
        const auto report = w.run({"work"}, "exit 3");
        t = report.tasks.at(0);
        run = report.run;
        std::filesystem::permissions(w.repo.root(), std::filesystem::perms(0755));
    }
    static void belongs_to(uid_t user, const std::filesystem::path& path)
    {
        ASSERT_EQ(::chown(path.c_str(), user, static_cast<gid_t>(-1)), 0) << path;
    }
    /// As a run leaves it that died.
    void is_left_running(project& in)
    {
        store s(in.state_folder());
        for (const auto state : {task_state::pending, task_state::running})
            t = s.change(t.id, [&](task& now) {
                if (may_become(now.state, state)) now.state = state;
                now.owner = run;
            });
    }
    testing::Matcher<const std::string&> says_who(const std::string& command)
    {
        return AllOf(HasSubstr("'#54321'"), HasSubstr("sudo -u '#54321' graftline " + command));
    }

    test::workshop w{{"--shared=all"}};
    task t;
    std::string run;
};

TEST_F(OtherUser, OwnsWhatIsTheirs)
{
    EXPECT_FALSE(other_owner_of(t.attempt));
    belongs_to(owner, t.attempt);
    EXPECT_FALSE(other_owner_of(t.attempt)) << "root may do everything";
    const as_the_asker asking;
    EXPECT_EQ(other_owner_of(t.attempt), "#54321");
    EXPECT_EQ(other_owner_of(w.repo.root()), "root");
    EXPECT_FALSE(other_owner_of(w.repo.root() / "not there"));
}

TEST_F(OtherUser, IsAskedToCancelWhatTheirAgentDoes)
{
    belongs_to(owner, t.attempt);
    const auto refused = w.with([&](std::shared_ptr<project> in) -> awaitable<result<task>> {
        is_left_running(*in);
        co_await in->must_store([](store& s) { s.tasks(); });
        const as_the_asker asking;
        co_return co_await cancel_task(in, t.id);
    });
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message(), says_who("cancel " + t.id));
    EXPECT_EQ(w.find(t.id).state, task_state::running);
    EXPECT_FALSE(w.find(t.id).cancel_asked) << "nothing is done by half";
}

TEST_F(OtherUser, IsAskedToResumeWhatTheyBegan)
{
    for (const auto& theirs : {t.worktree, t.attempt}) {
        belongs_to(asker, t.worktree);
        belongs_to(asker, t.attempt);
        belongs_to(owner, theirs);
        observer nobody;
        const auto refused = w.with([&](std::shared_ptr<project> in) -> awaitable<result<run_report>> {
            is_left_running(*in);
            co_await in->must_store([](store& s) { s.tasks(); });
            const as_the_asker asking;
            co_return co_await resume_run(in, run, nobody, w.button);
        });
        ASSERT_FALSE(refused);
        EXPECT_THAT(refused.error().message(), says_who("resume " + run)) << theirs;
        EXPECT_EQ(w.find(t.id).state, task_state::running);
    }
}

} // namespace
} // namespace graftline::effects
