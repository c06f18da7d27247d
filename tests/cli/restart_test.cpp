// What the next command does after the machine went down: each file that a resume reads is emptied, filled
// with garbage or removed, as a power cut would.
#include "graftline/runtime/supervisor/supervised.hpp"

#include "tests/cli/program.hpp"
#include "tests/cli/started_graftline.hpp"
#include "tests/support/hang_guard.hpp"
#include "tests/support/processes.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

enum class damage { empty, garbage, gone };

/// One task is completed, one was at work when the machine went down, one waited.
class Restart : public testing::Test {
protected:
    Restart()
    {
        write_file(d.repository.top() / "kept.txt", "kept\n");
        d.repository.git("add", ".");
        d.repository.git("commit", "-q", "-m", "more");
        const auto agent = d.script(
            "agent", "echo half > half.txt; echo begun >> '" + marks().string() +
                         "/'$GRAFTLINE_TASK_ID\nwhile ! [ -e '" + (marks() / "go").string() +
                         "' ]; do sleep 0.05; done\nrm half.txt; echo done > \"$GRAFTLINE_TASK.txt\"\n");
        const auto done = d.graftline({"run", "Done", "--", "sh", "-c", "echo done > Done.txt"});
        EXPECT_EQ(done.status, 0) << done.err;
        started_graftline first(d, {"run", "Busy", "Waits", "--land", "--max", "1", "--", agent});
        EXPECT_TRUE(eventually([&] { return begun() == 1; })) << first.said();
        first.end_by(SIGKILL);
        end_supervisor();
        write_file(marks() / "go", "");
        fs::copy(d.repository.top(), saved() / "repository", how);
        fs::copy(folder_of("Busy").parent_path(), saved() / "worktrees", how);
    }

    /// As it was when the machine went down.
    void begin_again()
    {
        for (const auto& [from, to] : {std::pair(saved() / "repository", d.repository.top()),
                                       std::pair(saved() / "worktrees", folder_of("Busy").parent_path())}) {
            fs::remove_all(to);
            fs::copy(from, to, how);
        }
    }

    said after_restart(std::vector<std::string> words)
    {
        auto c = d.prepared(d.repository.top(), std::move(words));
        c.set("GRAFTLINE_TEST_BOOT_ID", "another");
        const auto output = run_here(run(std::move(c))).value();
        return {shell_code(output.status), output.out, output.err};
    }

    void expect_the_whole_result(const std::string& what)
    {
        SCOPED_TRACE(what);
        const auto resumed = after_restart({"resume"});
        EXPECT_EQ(resumed.status, 0) << resumed.err;
        const auto landed = after_restart({"land", "--all"});
        EXPECT_EQ(landed.status, 0) << landed.err;
        const auto files = d.repository.git("ls-tree", "--name-only", "main");
        EXPECT_EQ(files, "Busy.txt\nDone.txt\nWaits.txt\ngreeting.txt\nkept.txt") << resumed.err;
        EXPECT_EQ(d.repository.git("show", "main:kept.txt"), "kept");
        EXPECT_EQ(d.repository.git("status", "--porcelain"), "");
        const auto fsck = try_git(d.repository.top(), {"fsck"});
        EXPECT_TRUE(fsck.ok) << fsck.err;
    }

    fs::path task_file(const std::string& description, const std::string& in_logs)
    {
        return git_folder() / "graftline/logs" / id_of(description) / "1" / in_logs;
    }
    fs::path record(const std::string& description, const std::string& file)
    {
        return git_folder() / "worktrees" / folder_of(description).filename() / file;
    }
    fs::path branch(const std::string& description)
    {
        return git_folder() / "refs/heads" / text_of_task(description, "branch");
    }
    fs::path folder_of(const std::string& description) { return text_of_task(description, "worktree"); }
    std::string id_of(const std::string& description) { return text_of_task(description, "id"); }
    fs::path git_folder() const { return d.repository.git_folder(); }

    std::string text_of_task(const std::string& description, const char* key)
    {
        auto& known = known_[description + key];
        if (!known.empty()) return known;
        const auto status = d.graftline({"status", "--all", "--json"}).json();
        for (const auto& t : status.at("tasks").as_array())
            if (t.at("description") == boost::json::value(description)) known = t.at(key).as_string();
        return known;
    }

    static void apply(damage how_bad, const fs::path& file)
    {
        if (how_bad == damage::gone) {
            fs::remove(file);
            return;
        }
        ::chmod(file.c_str(), 0644);
        std::ofstream out(file, std::ios::binary | std::ios::trunc);
        if (how_bad == damage::garbage) out << std::string(100, '\0') << std::string(200, '\xfe');
    }

    std::vector<fs::path> files_of_a_resume()
    {
        std::vector<fs::path> files;
        for (const char* name : {"identity.json", "exit.json.new", "lock", "prompt.txt"})
            files.push_back(task_file("Busy", name));
        files.push_back(task_file("Done", "exit.json"));
        for (const char* task : {"Busy", "Done"}) {
            for (const char* name : {"HEAD", "commondir", "gitdir", "index", "locked"})
                files.push_back(record(task, name));
            files.push_back(folder_of(task) / ".git");
            files.push_back(branch(task));
        }
        files.push_back(folder_of("Busy") / "kept.txt");
        for (const char* name : {"landed", "boot", "lock", "made-folders", "state.db-shm"})
            if (fs::exists(git_folder() / "graftline" / name))
                files.push_back(git_folder() / "graftline" / name);
        return files;
    }

    std::size_t begun() const
    {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(marks()), fs::directory_iterator()));
    }
    fs::path marks() const
    {
        fs::create_directories(d.repository.root() / "marks");
        return d.repository.root() / "marks";
    }
    fs::path saved() const
    {
        fs::create_directories(d.repository.root() / "saved");
        return d.repository.root() / "saved";
    }

    static constexpr auto how = fs::copy_options::recursive | fs::copy_options::copy_symlinks;
    mutable desk d;

private:
    void end_supervisor()
    {
        const auto who = read_identity(task_file("Busy", "").parent_path());
        ASSERT_TRUE(who && *who);
        ::kill((*who)->pid, SIGKILL);
        EXPECT_TRUE(eventually([&] { return !is_alive(**who); }));
    }
    std::map<std::string, std::string> known_;
};

TEST_F(Restart, BeginsTheAgentAgainInAFreshWorktreeAndKeepsWhatLayInTheOld)
{
    apply(damage::empty, folder_of("Busy") / "kept.txt"); // never reached the disk
    const auto old = id_of("Busy");
    expect_the_whole_result("a file of the checkout is empty");
    const auto rescued = d.repository.git("ls-tree", "--name-only", "refs/graftline/rescue/" + old + "/1");
    EXPECT_THAT(rescued, HasSubstr("half.txt"));
}

TEST_F(Restart, GoesOnWhateverAFileOfItsHasBecome)
{
    longer_hang_limit limit{std::chrono::seconds(250)};
    const std::pair<fs::path, damage> some[] = {{task_file("Busy", "identity.json"), damage::empty},
                                                {record("Busy", "HEAD"), damage::garbage},
                                                {record("Busy", "index"), damage::garbage},
                                                {folder_of("Busy") / ".git", damage::empty},
                                                {branch("Busy"), damage::empty},
                                                {record("Done", "gitdir"), damage::empty},
                                                {record("Done", "index"), damage::garbage},
                                                {branch("Done"), damage::gone}};
    for (const auto& [file, bad] : some) {
        begin_again();
        apply(bad, file);
        expect_the_whole_result(file.string());
    }
}

TEST_F(Restart, SoakGoesOnWhateverEachFileOfItsHasBecome)
{
    longer_hang_limit limit{std::chrono::seconds(1000)};
    for (const auto& file : files_of_a_resume())
        for (const auto bad : {damage::empty, damage::garbage, damage::gone}) {
            begin_again();
            apply(bad, file);
            expect_the_whole_result(file.string() + " " + std::to_string(static_cast<int>(bad)));
        }
}

TEST_F(Restart, TakesWhatMayNotBeReadForNoDamage)
{
    if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
    const auto index = record("Done", "index");
    ::chmod(index.c_str(), 0);
    (void)after_restart({"resume"});
    struct stat info{};
    ASSERT_EQ(::stat(index.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0u) << "it was written again";
}

TEST_F(Restart, RemovesLocksThatAreOlder)
{
    for (const char* name : {"index.lock", "HEAD.lock", "packed-refs.lock", "refs/heads/main.lock"}) {
        const auto lock = git_folder() / name;
        write_file(lock, "");
        const timespec old[] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
        ::utimensat(AT_FDCWD, lock.c_str(), old, 0);
    }
    expect_the_whole_result("locks of gits that went down with the machine");
}

TEST_F(Restart, PutsHollowObjectsOutOfTheWay)
{
    // Garbage: nothing reaches it, but git would keep it for the same content.
    const auto unreached = git_folder() / "objects/aa/" / std::string(38, 'b');
    fs::create_directories(unreached.parent_path());
    write_file(unreached, "no zlib at all");
    const auto pack = (git_folder() / "objects/pack/pack-67726166746c696e65").string() + std::string(22, '0');
    write_file(pack + ".pack", "PACK");
    write_file(pack + ".idx", "");
    EXPECT_FALSE(try_git(d.repository.top(), {"fsck"}).ok);
    expect_the_whole_result("half written objects");
    EXPECT_FALSE(fs::exists(unreached));
    EXPECT_FALSE(fs::exists(pack + ".idx"));
}

TEST_F(Restart, TellsOfALandingThatDidNotLast)
{
    const auto before = d.repository.git("rev-parse", "main").substr(0, 40);
    ASSERT_EQ(after_restart({"land", "--all"}).status, 0);
    // Neither the ref nor its reflog had reached the disk.
    write_file(git_folder() / "refs/heads/main", before + "\n");
    fs::remove_all(git_folder() / "logs");
    d.repository.git("reset", "-q", "--hard");
    fs::remove(git_folder() / "graftline/boot");
    const auto told = after_restart({"clean"});
    EXPECT_THAT(told.err, HasSubstr("was lost when the machine went down"));
    expect_the_whole_result("a landing did not last");
}

TEST_F(Restart, RemovesAWorktreeAgainWhoseRemovalDidNotLast)
{
    const auto worktree = folder_of("Done"), its_record = record("Done", "HEAD").parent_path();
    const auto its_branch = branch("Done");
    const auto before = saved() / "before";
    fs::create_directories(before);
    fs::copy(worktree, before / "worktree", how);
    fs::copy(its_record, before / "record", how);
    fs::copy(its_branch, before / "branch");
    ASSERT_EQ(after_restart({"land", "--all"}).status, 0);
    ASSERT_FALSE(fs::exists(worktree));
    const auto rescues = [&] {
        return d.repository.git("for-each-ref", "refs/graftline/rescue/" + id_of("Done"));
    };
    // Git was forgetting it: one file after the other goes.
    for (const bool has_mark : {true, false}) {
        fs::create_directories(its_record.parent_path());
        fs::copy(before / "record", its_record, how);
        fs::remove(its_record / "locked");
        if (!has_mark) fs::remove(its_record / "graftline-mark");
        fs::remove(git_folder() / "graftline/boot");
        EXPECT_THAT(after_restart({"clean"}).err, HasSubstr("removed once more"));
        EXPECT_FALSE(fs::exists(its_record));
        EXPECT_EQ(rescues(), "");
    }
    for (const bool is_edited : {false, true}) {
        fs::create_directories(worktree.parent_path());
        fs::copy(before / "worktree", worktree, how);
        fs::create_directories(its_record.parent_path());
        fs::copy(before / "record", its_record, how);
        if (!is_edited) fs::copy(before / "branch", its_branch);
        if (is_edited) write_file(worktree / "later.txt", "later\n");
        fs::remove(git_folder() / "graftline/boot");
        const auto told = after_restart({"clean"});
        EXPECT_THAT(told.err, HasSubstr("removed once more"));
        EXPECT_FALSE(fs::exists(worktree));
        EXPECT_FALSE(fs::exists(its_record));
        EXPECT_FALSE(fs::exists(its_branch));
        EXPECT_EQ(rescues().empty(), !is_edited) << rescues();
    }
}

/// What an agent made is flushed when it is committed, and its end is on record before.
TEST_F(Restart, AsksTheAgentAgainWhoseWorkWasNotCommitted)
{
    const auto hook = git_folder() / "hooks/pre-commit";
    write_file(hook, "#!/bin/sh\n: > '" + (marks() / "committing").string() + "'\nwhile ! [ -e '" +
                         (marks() / "commit").string() + "' ]; do sleep 0.05; done\nexit 1\n");
    fs::permissions(hook, fs::perms::owner_all);
    const auto agent =
        d.script("again", "echo x >> '" + (marks() / "asked").string() + "'; echo made > Again.txt\n");
    started_graftline first(d, {"run", "Again", "--land", "--", agent});
    ASSERT_TRUE(eventually([&] { return fs::exists(marks() / "committing"); })) << first.said();
    first.end_by(SIGKILL);
    write_file(marks() / "commit", "");
    ASSERT_TRUE(eventually([&] { return running_with(hook.string()) == 0; }));
    fs::remove(hook);
    const auto resumed = after_restart({"resume"});
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_EQ(contents_of(marks() / "asked"), "x\nx\n");
    EXPECT_EQ(d.repository.git("show", "main:Again.txt"), "made");
}

TEST_F(Restart, PutsLandedFilesBack)
{
    ASSERT_EQ(after_restart({"land", "--all"}).status, 0);
    fs::remove(git_folder() / "graftline/boot");
    for (const auto bad : {damage::empty, damage::gone}) {
        apply(bad, d.repository.top() / "Done.txt");
        fs::remove(git_folder() / "graftline/boot");
        const auto told = after_restart({"clean"});
        EXPECT_THAT(told.err, HasSubstr("put back"));
        EXPECT_EQ(contents_of(d.repository.top() / "Done.txt"), "done\n");
    }
}

TEST_F(Restart, FindsCompletedWorkWithoutTheDatabase)
{
    const auto done = id_of("Done");
    for (const char* name : {"state.db", "state.db-wal", "state.db-shm"})
        fs::remove(git_folder() / "graftline" / name);
    ASSERT_EQ(after_restart({"clean"}).status, 0);
    const auto status = d.graftline({"status", "--all", "--json"}).json();
    for (const auto& t : status.at("tasks").as_array())
        if (t.at("id") == boost::json::value(done)) {
            EXPECT_EQ(t.at("state"), "completed");
        }
}

} // namespace
} // namespace graftline::test
