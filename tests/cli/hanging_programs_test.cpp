// Programs of the user's that hang: hooks, filters, merge drivers, signers, set-up commands.
#include "tests/cli/started_graftline.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Hanging : public testing::Test {
protected:
    Hanging()
    {
        write_file(d.repository.git_folder() / "info" / "exclude", "graftline.toml\n");
        limit("");
    }
    ~Hanging() override
    {
        EXPECT_TRUE(soon([this] { return running_with(mark) == 0; })) << "something runs on";
    }

    /// No git may take longer than this from now on.
    void limit(const std::string& more)
    {
        write_file(d.repository.top() / "graftline.toml", "[git]\ntimeout = \"4s\"\n" + more);
    }
    /// A program that is deaf, and starts another which keeps its output open. `first` may end it before.
    std::string hanging(const std::string& name, const std::string& first = {})
    {
        return d.script(name, first + "\nexport MARK='" + mark + "'\ntrap '' TERM\nsleep 1000 &\n" +
                                  "sleep 1000; sleep 1000; sleep 1000; sleep 1000\n");
    }
    void hook(const std::string& name, const std::string& first = {})
    {
        const auto file = d.repository.git_folder() / "hooks" / name;
        fs::create_directories(file.parent_path());
        fs::copy_file(hanging(name, first), file, fs::copy_options::overwrite_existing);
    }
    void no_hooks() { fs::remove_all(d.repository.git_folder() / "hooks"); }
    void attributes(const std::string& text)
    {
        write_file(d.repository.git_folder() / "info" / "attributes", text);
    }

    said run(std::vector<std::string> more = {}, const std::string& agent = "echo work > work.txt")
    {
        std::vector<std::string> words{"run", "Work", "--land"};
        words.insert(words.end(), more.begin(), more.end());
        words.insert(words.end(), {"--", "sh", "-c", agent});
        auto came_to = d.graftline(words);
        EXPECT_EQ(running_with(mark), 0u);
        return came_to;
    }
    boost::json::value task() { return d.graftline({"status", "--all", "--json"}).json().at("tasks").at(0); }
    std::string about(const char* what) { return std::string(task().at(what).as_string()); }
    std::string id() { return about("id"); }

    void expect_no_locks()
    {
        for (fs::recursive_directory_iterator at(d.repository.git_folder()), end; at != end; ++at) {
            if (at->path().filename() == "graftline") at.disable_recursion_pending(); // locks of ours
            EXPECT_NE(at->path().extension(), ".lock") << at->path();
        }
    }
    /// The user goes on as if nothing had been.
    void expect_checkout_untouched()
    {
        expect_no_locks();
        EXPECT_EQ(d.repository.git("status", "--porcelain"), "");
        EXPECT_FALSE(fs::exists(d.repository.top() / "work.txt"));
    }
    void expect_does_well(const std::string& command)
    {
        const auto again = d.graftline({command, id()});
        EXPECT_EQ(again.status, 0) << again.out << again.err;
        expect_landed();
    }
    void expect_landed()
    {
        expect_no_locks();
        EXPECT_EQ(task().at("state"), "merged") << task();
        EXPECT_EQ(d.repository.git("show", "main:work.txt"), "work");
        EXPECT_EQ(d.repository.git("rev-list", "--count", "--no-merges", "main"), "2");
        EXPECT_EQ(d.repository.git("status", "--porcelain"), "");
    }

    desk d;
    std::string mark = "hanging-" + d.repository.root().filename().string();
};

TEST_F(Hanging, AHookOfACommitEndsWithTheTimeOfItsTask)
{
    limit("\n"); // a git may take longer than the task
    write_file(d.repository.top() / "graftline.toml", "");
    hook("pre-commit");
    EXPECT_EQ(run({"--timeout", "4s"}).status, 1);
    EXPECT_EQ(task().at("state"), "failed");
    EXPECT_THAT(about("reason"), HasSubstr("the task's time is over"));
    EXPECT_THAT(about("reason"), HasSubstr("the hook pre-commit"));
    expect_checkout_untouched();
    no_hooks();
    expect_does_well("retry");
}

TEST_F(Hanging, AHookOfACommitEndsWithTheTimeOfAGit)
{
    hook("pre-commit");
    EXPECT_EQ(run().status, 1);
    EXPECT_THAT(about("reason"), HasSubstr("git commit took too long and was ended; it waited for the hook "
                                           "pre-commit"));
    expect_checkout_untouched();
    no_hooks();
    expect_does_well("retry");
}

TEST_F(Hanging, AHookThatComesWhenAllIsDoneKeepsNothingFromLanding)
{
    hook("post-commit");
    EXPECT_EQ(run().status, 0);
    no_hooks();
    expect_landed();
}

TEST_F(Hanging, AHookOfACheckoutLeavesNoWorktree)
{
    hook("post-checkout");
    EXPECT_EQ(run().status, 1);
    EXPECT_EQ(task().at("state"), "failed");
    EXPECT_THAT(about("reason"), HasSubstr("the hook post-checkout"));
    expect_checkout_untouched();
    no_hooks();
    expect_does_well("retry");
}

TEST_F(Hanging, AHookOfACheckoutEndsWithTheTimeOfItsTask)
{
    write_file(d.repository.top() / "graftline.toml", "");
    hook("post-checkout");
    EXPECT_EQ(run({"--timeout", "4s"}).status, 1);
    EXPECT_THAT(about("reason"), HasSubstr("the task's time is over"));
    EXPECT_THAT(about("reason"), HasSubstr("the hook post-checkout"));
    no_hooks();
    expect_does_well("retry");
}

TEST_F(Hanging, AHookOfATasksBranchEndsWithTheTimeOfItsTask)
{
    write_file(d.repository.top() / "graftline.toml", "");
    hook("reference-transaction",
         "while read old new ref; do case \"$1 $ref\" in 'prepared refs/heads/task/'*) slow=1;; esac; done; "
         "test \"$slow\" || exit 0");
    EXPECT_EQ(run({"--timeout", "4s"}).status, 1);
    EXPECT_EQ(task().at("state"), "failed");
    EXPECT_THAT(about("reason"), HasSubstr("the hook reference-transaction"));
    expect_checkout_untouched();
    no_hooks();
    expect_does_well("retry");
}

TEST_F(Hanging, AHookThatALandingWaitsForHoldsNoLockLonger)
{
    for (const std::string when : {"prepared", "committed"}) {
        hook("reference-transaction", "while read old new ref; do test \"$1 $ref\" = '" + when +
                                          " refs/heads/main' && slow=1; done; test \"$slow\" || exit 0");
        EXPECT_EQ(run().status, when == "prepared" ? 1 : 0);
        no_hooks();
        if (when == "prepared") {
            EXPECT_EQ(task().at("state"), "completed") << task();
            EXPECT_THAT(about("reason"), HasSubstr("the hook reference-transaction"));
            expect_checkout_untouched();
            expect_does_well("land");
        }
        expect_landed();
        d.repository.git("reset", "-q", "--hard", "HEAD~1");
        fs::remove_all(d.repository.git_folder() / "graftline");
    }
}

TEST_F(Hanging, AHookOfTheIndexThatFollowedKeepsNothingFromLanding)
{
    hook("post-index-change", "test \"$PWD\" = '" + d.repository.top().string() + "' || exit 0");
    EXPECT_EQ(run().status, 0);
    no_hooks();
    expect_landed();
}

TEST_F(Hanging, AFilterThatACommitWaitsFor)
{
    d.repository.git("config", "filter.slow.clean", hanging("filter"));
    attributes("work.txt filter=slow\n");
    EXPECT_EQ(run().status, 1);
    EXPECT_EQ(task().at("state"), "failed");
    EXPECT_THAT(about("reason"), HasSubstr("/filter"));
    expect_checkout_untouched();
    EXPECT_EQ(read_file(fs::path(about("worktree")) / "work.txt"), "work\n");
    d.script("filter", "cat\n");
    expect_does_well("retry");
}

TEST_F(Hanging, AFilterThatAWorktreeWaitsFor)
{
    d.repository.git("config", "filter.slow.smudge", hanging("filter"));
    attributes("greeting.txt filter=slow\n");
    EXPECT_EQ(run().status, 1);
    EXPECT_EQ(task().at("state"), "failed");
    EXPECT_THAT(about("reason"), HasSubstr("/filter"));
    expect_checkout_untouched();
    d.script("filter", "cat\n");
    expect_does_well("retry");
}

TEST_F(Hanging, AFilterThatALandingWaitsForLeavesTheCheckoutAsItWas)
{
    d.repository.git("config", "filter.slow.smudge", hanging("filter"));
    attributes("work.txt filter=slow\n");
    EXPECT_EQ(run({}, "echo work > work.txt; echo changed > greeting.txt").status, 1);
    EXPECT_EQ(task().at("state"), "completed");
    EXPECT_THAT(about("reason"), HasSubstr("/filter"));
    expect_checkout_untouched();
    EXPECT_EQ(d.repository.read("greeting.txt"), "hello\n");
    d.script("filter", "cat\n");
    expect_does_well("land");
}

TEST_F(Hanging, AMergeDriverThatALandingWaitsFor)
{
    d.repository.commit_file(".gitattributes", "both.txt merge=slow\n");
    d.repository.commit_file("both.txt", "1\n2\n3\n4\n5\n");
    d.repository.git("config", "merge.slow.driver", hanging("driver") + " %O %A %B");
    const auto came_to = run({}, "sed -i s/1/one/ both.txt; cd '" + d.repository.top().string() +
                                     "' && sed -i s/5/five/ both.txt && git commit -qam five");
    EXPECT_EQ(came_to.status, 1);
    EXPECT_EQ(task().at("state"), "completed") << task();
    EXPECT_THAT(about("reason"), HasSubstr("/driver"));
    d.repository.git("config", "--unset", "merge.slow.driver");
    expect_no_locks();
    EXPECT_EQ(d.graftline({"land", id()}).status, 0);
    EXPECT_EQ(d.repository.git("show", "main:both.txt"), "one\n2\n3\n4\nfive");
    EXPECT_EQ(d.repository.read("both.txt"), "one\n2\n3\n4\nfive\n");
}

TEST_F(Hanging, ASignerThatACommitWaitsFor)
{
    d.repository.git("config", "gpg.program", hanging("signer"));
    d.repository.git("config", "commit.gpgsign", "true");
    EXPECT_EQ(run().status, 1);
    EXPECT_EQ(task().at("state"), "failed");
    EXPECT_THAT(about("reason"), HasSubstr("/signer"));
    expect_checkout_untouched();
    d.repository.git("config", "commit.gpgsign", "false");
    expect_does_well("retry");
}

TEST_F(Hanging, ASignerThatALandingWaitsFor)
{
    d.graftline({"run", "Work", "--", "sh", "-c", "echo work > work.txt"});
    d.repository.git("config", "gpg.program", hanging("signer"));
    d.repository.git("config", "commit.gpgsign", "true");
    const auto landed = d.graftline({"land", id()});
    EXPECT_EQ(landed.status, 1);
    EXPECT_EQ(task().at("state"), "completed");
    EXPECT_THAT(landed.err, HasSubstr("/signer"));
    EXPECT_EQ(running_with(mark), 0u);
    expect_checkout_untouched();
    d.repository.git("config", "commit.gpgsign", "false");
    expect_does_well("land");
}

TEST_F(Hanging, ASetUpCommandEndsWithItsOwnTimeOrItsTasks)
{
    const auto setup = "setup = [[\"" + hanging("setup") + "\"]]\n";
    for (const bool own : {true, false}) {
        limit("[worktree]\n" + setup + (own ? "timeout = \"1s\"\n" : ""));
        EXPECT_EQ(run(own ? std::vector<std::string>() : std::vector<std::string>{"--timeout", "3s"}).status,
                  1);
        EXPECT_EQ(task().at("state"), "failed");
        EXPECT_THAT(about("reason"), HasSubstr("a set-up command of the worktree took too long"));
        expect_checkout_untouched();
        limit("");
        expect_does_well("retry");
        d.repository.git("reset", "-q", "--hard", "HEAD~1");
        fs::remove_all(d.repository.git_folder() / "graftline");
    }
}

TEST_F(Hanging, SetUpIsPartOfATasksTime)
{
    limit("[worktree]\nsetup = [[\"sleep\", \"3\"]]\n");
    const auto done = d.repository.root() / "done";
    EXPECT_EQ(run({"--timeout", "5s"}, "sleep 3; echo > '" + done.string() + "'").status, 1);
    EXPECT_FALSE(fs::exists(done)) << "its agent had as much time as if nothing had been set up";
}

TEST_F(Hanging, ProgressSaysWhatIsWaitedFor)
{
    write_file(d.repository.top() / "graftline.toml", "[git]\ntimeout = \"12s\"\n");
    hook("pre-commit");
    const auto committing = run();
    EXPECT_THAT(committing.err, HasSubstr("git commit waits for the hook pre-commit, 10 s"));
    no_hooks();
    hook("reference-transaction", "while read old new ref; do test \"$1 $ref\" = 'prepared refs/heads/main' "
                                  "&& slow=1; done; test \"$slow\" || exit 0");
    const auto landing = d.graftline({"retry", id()});
    EXPECT_THAT(landing.err, HasSubstr("landing waits for the hook reference-transaction, 10 s"));
    no_hooks();
    expect_does_well("land");
}

TEST_F(Hanging, ASignerThatWouldAskOnTheTerminalFailsAtOnce)
{
    write_file(d.repository.top() / "graftline.toml", "");
    const auto asked = d.repository.root() / "asked", signed_by = d.repository.root() / "signed by";
    d.repository.git("config", "gpg.program",
                     d.script("signer", "echo passphrase: >/dev/tty && read answer </dev/tty && echo > '" +
                                            asked.string() + "'\necho \"terminal=$GPG_TTY\" >'" +
                                            signed_by.string() + "'; exit 1\n"));
    d.repository.git("config", "commit.gpgsign", "true");
    const auto inner =
        d.prepared(d.repository.top(), {"run", "Work", "--", "sh", "-c", "echo work > work.txt"});
    command outer("script"); // makes a terminal, which is graftline's then
    outer.args("-qec", ": </dev/tty && " + quoted(inner.words()), "/dev/null");
    outer.in(inner.folder()).set("HOME", (d.repository.root() / "home").string()).set("GPG_TTY", "/dev/tty");
    const auto came_to = run_here(graftline::run(std::move(outer))).value();
    EXPECT_EQ(shell_code(came_to.status), 1) << came_to.out;
    EXPECT_EQ(task().at("state"), "failed") << came_to.out;
    EXPECT_EQ(read_file(signed_by), "terminal=\n");
    EXPECT_FALSE(fs::exists(asked));
    EXPECT_THAT(came_to.out, testing::Not(HasSubstr("passphrase")));
}

} // namespace
} // namespace graftline::test
