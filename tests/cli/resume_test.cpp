#include "graftline/effects/db/sqlite.hpp"
#include "graftline/runtime/base/clock.hpp"
#include "graftline/runtime/files/file_lock.hpp"

#include "tests/cli/program.hpp"
#include "tests/cli/started_graftline.hpp"
#include "tests/support/hang_guard.hpp"
#include "tests/support/processes.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// Agents say that they began, wait for "go" and do their work.
class Resume : public testing::Test {
protected:
    std::string agent(const std::string& end = "echo done > \"$GRAFTLINE_TASK_ID.txt\"\n")
    {
        return d.script("agent", "echo begun >> '" + marks().string() + "/'$GRAFTLINE_TASK_ID\n" +
                                     "while ! [ -e '" + (marks() / "go").string() +
                                     "' ]; do sleep 0.05; done\n" + end);
    }
    fs::path marks() const
    {
        fs::create_directories(d.repository.root() / "marks");
        return d.repository.root() / "marks";
    }
    void let_them_go() { write_file(marks() / "go", ""); }
    std::size_t begun() const
    {
        std::size_t count = 0;
        for (const auto& entry : fs::directory_iterator(marks()))
            count += static_cast<std::size_t>(std::ranges::count(contents_of(entry.path()), '\n'));
        return count;
    }
    boost::json::value status() { return d.graftline({"status", "--json"}).json(); }
    boost::json::array tasks() { return status().at("tasks").as_array(); }
    std::string the_interrupted_run()
    {
        const auto all = status();
        for (const auto& r : all.at("runs").as_array())
            if (r.at("state") == "interrupted") return std::string(r.at("id").as_string());
        return {};
    }
    boost::json::object task_of(const std::string& run)
    {
        for (const auto& t : tasks())
            if (t.at("run") == boost::json::value(run)) return t.as_object();
        return {};
    }
    void change_state(const std::string& sql)
    {
        effects::database(state() / "state.db").execute(sql.c_str());
    }
    fs::path state() const { return d.repository.git_folder() / "graftline"; }
    static long lines_in(const std::string& text) { return std::ranges::count(text, '\n'); }
    std::string the_run() { return std::string(status().at("runs").at(0).at("id").as_string()); }

    mutable desk d;
};

TEST_F(Resume, AdoptsAgentsThatOutlivedTheirRunAndStartsNoneTwice)
{
    started_graftline first(d, {"run", "One", "Two", "Three", "--max", "2", "--land", "--", agent()});
    ASSERT_TRUE(eventually([&] { return begun() == 2; })) << first.said();
    EXPECT_EQ(first.end_by(SIGKILL), 137);

    const auto told = d.graftline({"run", "Another", "--", "true"});
    EXPECT_THAT(told.err, HasSubstr("graftline resume run-"));
    EXPECT_THAT(told.err, HasSubstr("3 tasks of run"));

    const auto id = the_run();
    const auto before = to_iso8601(real_clock().now());
    started_graftline second(d, {"resume", id});
    ASSERT_TRUE(eventually([&] { return second.said().find("adopted") != std::string::npos; }))
        << second.said();
    const auto refused = d.graftline({"resume", id});
    EXPECT_NE(refused.status, 0);
    EXPECT_THAT(refused.err, HasSubstr("pid: " + std::to_string(second.pid())));
    const auto since = refused.err.find("started: ") + 9;
    EXPECT_GE(refused.err.substr(since, before.size()), before) << "the owner's start, not the first one's";
    let_them_go();
    EXPECT_EQ(second.end_by(0), 0) << second.said();
    EXPECT_EQ(begun(), 3u);
    const auto all = status();
    for (const auto& t : all.at("tasks").as_array())
        if (t.at("run") == boost::json::value(id)) EXPECT_EQ(t.at("state"), "merged") << t;
    const auto left = d.repository.git("worktree", "list");
    EXPECT_EQ(std::ranges::count(left, '\n') + 1, 2) << "the main one and that of the other run: " << left;
    EXPECT_THAT(d.graftline({"resume", id}).err, HasSubstr("the run has ended"));
}

TEST_F(Resume, AdoptedAgentsKeepTheirPlacesBeforeOthersBegin)
{
    const auto here = marks().string();
    const auto counting =
        d.script("counting", "mkdir -p '" + here + "-alive/'$GRAFTLINE_TASK_ID\n" + "ls '" + here +
                                 "-alive' | wc -l >> '" + here + "-count'\n" + "'" + agent() + "'\n" +
                                 "rmdir '" + here + "-alive/'$GRAFTLINE_TASK_ID\n");
    started_graftline first(d,
                            {"run", "One", "Two", "Three", "Four", "--max", "2", "--land", "--", counting});
    ASSERT_TRUE(eventually([&] { return begun() == 2; })) << first.said();
    first.end_by(SIGKILL);
    started_graftline second(d, {"resume"});
    ASSERT_TRUE(eventually([&] {
        const auto said = second.said();
        const auto one = said.find("adopted");
        return one != said.npos && said.find("adopted", one + 1) != said.npos;
    })) << second.said();
    EXPECT_NE(d.graftline({"resume"}).status, 0); // time for what must not begin
    EXPECT_EQ(begun(), 2u);
    let_them_go();
    EXPECT_EQ(second.end_by(0), 0) << second.said();
    EXPECT_EQ(begun(), 4u);
    const auto counts = contents_of(here + "-count");
    EXPECT_EQ(counts.find_first_not_of("12\n"), counts.npos) << "at once: " << counts;
}

TEST_F(Resume, WhatWasCancelledStaysSo)
{
    started_graftline first(d, {"run", "One", "Two", "--max", "2", "--land", "--", agent()});
    ASSERT_TRUE(eventually([&] { return begun() == 2; })) << first.said();
    const auto id = std::string(status().at("tasks").at(0).at("id").as_string());
    const auto cancelled = d.graftline({"cancel", id});
    EXPECT_EQ(cancelled.status, 0) << cancelled.err;
    EXPECT_EQ(running_with("GRAFTLINE_TASK_ID=" + id), 0u) << "its end was waited for";
    // Its effects have outcomes, which the end of the run's process does not take away.
    const auto resolved = [&] {
        const auto events = d.graftline({"events", "--json"}).out;
        const auto of_agent = events.find("\"event\":\"resolved\",\"kind\":\"run_agent\"");
        return of_agent != events.npos;
    };
    ASSERT_TRUE(eventually(resolved)) << d.graftline({"events", "--json"}).out;
    first.end_by(SIGKILL);
    let_them_go();
    const auto resumed = d.graftline({"resume", "--json"});
    EXPECT_EQ(resumed.json().at("cancelled"), 1) << resumed.err;
    EXPECT_EQ(resumed.json().at("merged"), 1);
    EXPECT_EQ(begun(), 2u);
}

TEST_F(Resume, TakesTheEndOfAnAgentThatEndedMeanwhile)
{
    started_graftline first(d, {"run", "One", "--land", "--", agent()});
    ASSERT_TRUE(eventually([&] { return begun() == 1; })) << first.said();
    first.end_by(SIGKILL);
    let_them_go();
    const auto attempt =
        fs::path(std::string(status().at("tasks").at(0).at("log").as_string())).parent_path();
    ASSERT_TRUE(eventually([&] { return fs::exists(attempt / "exit.json"); }));
    const auto resumed = d.graftline({"resume", "--json"});
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_EQ(resumed.json().at("merged"), 1);
    EXPECT_EQ(begun(), 1u);
}

TEST_F(Resume, StartsAnAgentAgainThatTheCrashTookAlongAndSavesWhatItLeft)
{
    const auto script = agent();
    d.script("agent", "echo half > half.txt\n" + contents_of(script).substr(10));
    started_graftline first(d, {"run", "One", "--land", "--", script});
    ASSERT_TRUE(eventually([&] { return begun() == 1; })) << first.said();
    first.end_by(SIGKILL);
    const auto attempt =
        fs::path(std::string(status().at("tasks").at(0).at("log").as_string())).parent_path();
    const fs::path temporary = contents_of(attempt / "temporary");
    ASSERT_TRUE(fs::is_directory(temporary));
    const auto supervisor = read_file(attempt / "identity.json");
    const auto at = supervisor.find("\"pid\":") + 6;
    ASSERT_EQ(::kill(std::stoi(supervisor.substr(at)), SIGKILL), 0);
    let_them_go();
    const auto resumed = d.graftline({"resume", "--json"});
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_EQ(resumed.json().at("merged"), 1);
    EXPECT_EQ(begun(), 2u);
    EXPECT_FALSE(fs::exists(temporary));
    const auto rescues = resumed.json().at("tasks").at(0).at("rescues").as_array();
    ASSERT_GE(rescues.size(), 1u);
    EXPECT_EQ(d.repository.git("show", std::string(rescues.at(0).as_string()) + ":half.txt"), "half");
}

TEST_F(Resume, GoesOnWithWhatWasInterrupted)
{
    started_graftline first(d, {"run", "One", "Two", "--max", "1", "--land", "--", agent()});
    ASSERT_TRUE(eventually([&] { return begun() == 1; })) << first.said();
    EXPECT_EQ(first.end_by(SIGINT), 130);
    EXPECT_THAT(first.said(), testing::Not(HasSubstr("internal error")));
    const auto id = the_run();
    EXPECT_THAT(d.graftline({"status", "--all"}).out, HasSubstr(id + " (run) of 2 tasks was interrupted"));
    EXPECT_THAT(d.graftline({"status"}).out, HasSubstr(": graftline resume " + id));
    let_them_go();
    const auto resumed = d.graftline({"resume", "--json"});
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_EQ(resumed.json().at("merged"), 2);
    EXPECT_EQ(begun(), 3u);
    EXPECT_THAT(d.graftline({"status", "--all"}).out, HasSubstr(id + " (run) of 2 tasks is done"));
    EXPECT_THAT(d.graftline({"status"}).out, testing::Not(HasSubstr(id)));
    EXPECT_THAT(d.graftline({"resume"}).err, HasSubstr("there is no run to go on with"));
}

TEST_F(Resume, AsksAgainForLandingsAndUndoingsThatWereCutShort)
{
    ASSERT_EQ(d.graftline({"run", "One", "Two", "--", "sh", "-c", "echo x > $GRAFTLINE_TASK_ID.txt"}).status,
              0);
    const auto gate = d.script("gate", "touch '" + (marks() / "gate").string() + "'\nuntil [ -e '" +
                                           (marks() / "go").string() + "' ]; do sleep 0.05; done\n");
    const auto at_gate = [&] { return fs::exists(marks() / "gate"); };
    for (const auto& words : {std::vector<std::string>{"land", "--all"}, {"undo"}}) {
        const bool lands = words[0] == "land";
        for (const int signal : {SIGKILL, SIGINT}) {
            fs::remove(marks() / "gate");
            fs::remove(marks() / "go");
            auto all = words;
            for (const auto& t : tasks())
                if (!lands && t.at("state") == "merged") all.emplace_back(t.at("id").as_string());
            all.insert(all.end(), {"--gate", gate});
            started_graftline cut(d, signal == SIGKILL ? all : std::vector<std::string>{"resume"});
            ASSERT_TRUE(eventually(at_gate)) << cut.said();
            EXPECT_EQ(cut.end_by(signal), signal == SIGKILL ? 137 : 130) << cut.said();
        }
        let_them_go();
        const auto resumed = d.graftline({"resume", "--json"});
        EXPECT_EQ(resumed.status, 0) << words[0] << resumed.err;
        for (const auto& t : tasks())
            EXPECT_EQ(t.at("state"), lands ? "merged" : "completed") << t;
        EXPECT_THAT(d.graftline({"resume"}).err, HasSubstr("there is no run to go on with"));
        const auto landed = d.repository.git("ls-tree", "--name-only", "main");
        for (const auto& t : tasks())
            EXPECT_EQ(landed.find(std::string(t.at("id").as_string()) + ".txt") != landed.npos, lands)
                << landed;
        const auto left = d.repository.git("worktree", "list");
        EXPECT_EQ(std::ranges::count(left, '\n') + 1, 1) << left;
    }
}

TEST_F(Resume, ClearsTheGatesOfTheRunWhosePlaceItTakes)
{
    ASSERT_EQ(d.graftline({"run", "One", "--", "sh", "-c", "echo x > x.txt"}).status, 0);
    const auto gate = d.script("gate", "touch '" + (marks() / "gate").string() + "'\nuntil [ -e '" +
                                           (marks() / "go").string() + "' ]; do sleep 0.05; done\n");
    started_graftline cut(d, {"land", "--all", "--gate", gate});
    ASSERT_TRUE(eventually([&] { return fs::exists(marks() / "gate"); })) << cut.said();
    cut.end_by(SIGKILL);
    let_them_go();
    EXPECT_EQ(d.graftline({"resume"}).status, 0);
    const auto left = d.repository.git("worktree", "list");
    EXPECT_EQ(std::ranges::count(left, '\n') + 1, 1) << left;
}

TEST_F(Resume, UsesTheConfigurationThatTheRunBeganWith)
{
    write_file(d.repository.top() / "graftline.toml", "[commit]\ntype = \"fix\"\n");
    started_graftline first(d, {"run", "One", "--land", "--", agent()});
    ASSERT_TRUE(eventually([&] { return begun() == 1; })) << first.said();
    first.end_by(SIGKILL);
    write_file(d.repository.top() / "graftline.toml", "[commit]\ntype = \"docs\"\n");
    let_them_go();
    const auto resumed = d.graftline({"resume"});
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_THAT(d.repository.git("log", "--format=%s", "main"), HasSubstr("fix:"));
}

TEST_F(Resume, ADamagedDatabaseIsSetAsideAndSaidToBe)
{
    ASSERT_EQ(d.graftline({"run", "One", "--land", "--", "sh", "-c", "echo x > x.txt"}).status, 0);
    const auto folder = d.repository.top() / ".git" / "graftline";
    for (const auto* name : {"state.db-wal", "state.db-shm"})
        fs::remove(folder / name);
    write_file(folder / "state.db", std::string(8192, 'x'));
    const auto told = d.graftline({"status"});
    EXPECT_NE(told.status, 0);
    EXPECT_THAT(told.err, HasSubstr("graftline clean\n"));
    const auto mended = d.graftline({"clean"});
    EXPECT_EQ(mended.status, 0) << mended.err;
    EXPECT_THAT(mended.err, testing::AllOf(HasSubstr("was damaged"), HasSubstr("1 task was found again")));
    EXPECT_EQ(status().at("tasks").at(0).at("state"), "merged");
}

TEST_F(Resume, ABadRowCostsItselfAlone)
{
    ASSERT_EQ(d.graftline({"run", "Other", "--", "sh", "-c", "echo x > x.txt; exit 3"}).status, 1);
    const auto other = std::string(tasks().at(0).at("id").as_string());
    started_graftline first(d, {"run", "One", "--land", "--", agent()});
    ASSERT_TRUE(eventually([&] { return begun() == 1; })) << first.said();
    first.end_by(SIGINT);
    let_them_go();
    change_state("UPDATE tasks SET record = 'x' || record WHERE id = '" + other + "'");
    const auto told = d.graftline({"status"});
    EXPECT_EQ(told.status, 0) << "the other task's row is whole";
    EXPECT_THAT(told.out, testing::AllOf(HasSubstr("unreadable " + other), HasSubstr("One"),
                                         HasSubstr("graftline clean\n")));
    const auto unreadable = status().at("unreadable").as_array();
    ASSERT_EQ(unreadable.size(), 1u);
    EXPECT_EQ(unreadable[0].at("id"), boost::json::value(other));
    EXPECT_EQ(d.graftline({"check"}).status, 0);
    const auto needed = d.graftline({"logs", other});
    EXPECT_EQ(needed.status, 3);
    EXPECT_THAT(needed.err, testing::AllOf(HasSubstr("table: tasks"), HasSubstr("row: " + other),
                                           HasSubstr("state.db"), HasSubstr("graftline clean\n")));
    const auto resumed = d.graftline({"resume"});
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_THAT(resumed.err, testing::AllOf(HasSubstr("1 task was as before, 1 task was found again"),
                                            HasSubstr("tasks " + other)));
    const auto all = status();
    EXPECT_EQ(all.at("tasks").as_array().size(), 2u);
    for (const auto& t : all.at("tasks").as_array())
        EXPECT_EQ(t.at("state"), t.at("id") == boost::json::value(other) ? "failed" : "merged") << t;

    change_state("UPDATE runs SET record = 'x' WHERE number = 1");
    EXPECT_THAT(d.graftline({"status"}).out, HasSubstr("unreadable run "));
    EXPECT_THAT(d.graftline({"clean"}).err, HasSubstr("2 tasks were as before"));
    EXPECT_EQ(d.graftline({"status"}).status, 0);
}

TEST_F(Resume, ALostDatabaseIsSaidToBeAndFoundAgain)
{
    for (const std::string lost : {"the file", "its contents", "its tables", "the folder"}) {
        desk here;
        const auto folder = here.repository.git_folder() / "graftline";
        ASSERT_EQ(here.graftline({"run", "One", "--", "sh", "-c", "echo x > x.txt; exit 3"}).status, 1);
        const auto task = here.graftline({"status", "--json"}).json().at("tasks").at(0);
        const std::string id(task.at("id").as_string());
        for (const auto* end : {"-wal", "-shm", ""})
            fs::remove(folder / (std::string("state.db") + end));
        if (lost == "its contents") write_file(folder / "state.db", "");
        if (lost == "its tables") effects::database(folder / "state.db").execute("PRAGMA user_version = 0");
        if (lost == "the folder") fs::remove_all(folder);

        for (const auto& words :
             {std::vector<std::string>{"status"}, {"events"}, {"logs", id}, {"diff", id}}) {
            const auto told = here.graftline(words);
            EXPECT_EQ(told.status, 3) << lost << " " << words[0] << told.out;
            EXPECT_THAT(told.err, testing::AllOf(HasSubstr("is gone"), HasSubstr("graftline clean\n")))
                << lost << " " << words[0];
        }
        const auto next = here.graftline({"run", "Two", "--", "true"});
        EXPECT_EQ(next.status, 0) << next.err;
        EXPECT_THAT(next.err, HasSubstr("1 task was found again")) << lost;
        const auto found = here.graftline({"status", id, "--json"}).json().at("tasks").at(0);
        EXPECT_EQ(found.at("state"), "failed") << lost;
        EXPECT_EQ(found.at("worktree"), task.at("worktree")) << lost;
        EXPECT_EQ(here.graftline({"clean", "--force"}).status, 0);
        EXPECT_FALSE(fs::exists(std::string(task.at("worktree").as_string()))) << lost;
        fs::remove_all(folder);
        EXPECT_EQ(here.graftline({"status"}).status, 0) << "nothing is left that would tell of it";
    }
}

/// Its agent has outlived its run, and the database is gone.
class FoundAgain : public Resume {
protected:
    FoundAgain()
    {
        started_graftline first(d, {"run", "Write the report", "--", agent()});
        EXPECT_TRUE(eventually([&] { return begun() == 1; })) << first.said();
        first.end_by(SIGKILL);
        id = std::string(tasks().at(0).as_object().at("id").as_string());
        for (const auto* end : {"-wal", "-shm", ""})
            fs::remove(state() / (std::string("state.db") + end));
        for (const auto& entry : fs::directory_iterator(state() / "runs")) // what was asked for
            if (entry.path().extension() == ".tasks") forgotten.push_back(entry.path());
        for (const auto& file : forgotten)
            fs::remove(file);
        EXPECT_THAT(d.graftline({"clean"}).err, HasSubstr("1 task was found again"));
        const auto found = task();
        EXPECT_EQ(found.at("state"), "running");
        EXPECT_EQ(found.at("description"), "Write the report");
        EXPECT_THAT(std::string(found.at("reason").as_string()), HasSubstr("its agent still runs"));
    }
    ~FoundAgain() override { let_them_go(); }
    boost::json::object task()
    {
        return d.graftline({"status", id, "--json"}).json().at("tasks").at(0).as_object();
    }
    bool agent_lives()
    {
        const auto held = file_lock::is_held(state() / "logs" / id / "1" / "lock");
        return held && *held;
    }

    std::string id;
    std::vector<fs::path> forgotten;
};

TEST_F(FoundAgain, IsEndedByCancel)
{
    EXPECT_TRUE(agent_lives());
    EXPECT_EQ(d.graftline({"cancel", id}).status, 0);
    EXPECT_FALSE(agent_lives());
    EXPECT_EQ(task().at("state"), "cancelled");
}

TEST_F(FoundAgain, IsEndedByDiscarding)
{
    const auto told = d.graftline({"discard", "--force", id});
    EXPECT_EQ(told.status, 0) << told.err;
    EXPECT_FALSE(agent_lives());
    EXPECT_EQ(task().at("state"), "discarded");
}

TEST_F(FoundAgain, IsEndedByCleaningByForceAlone)
{
    EXPECT_EQ(d.graftline({"clean"}).status, 0);
    EXPECT_THAT(d.graftline({"clean", "--force", "--dry-run"}).out,
                HasSubstr("would remove agent of task " + id));
    EXPECT_TRUE(agent_lives());
    const auto told = d.graftline({"clean", "--force"});
    EXPECT_THAT(told.out, HasSubstr("removed agent of task " + id));
    EXPECT_FALSE(agent_lives());
    EXPECT_EQ(task().at("state"), "discarded");
}

TEST_F(FoundAgain, IsCommittedAndLandedOnceItsAgentHasEnded)
{
    let_them_go();
    ASSERT_TRUE(eventually([&] { return !agent_lives(); }));
    const auto refused = d.graftline({"retry", id});
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err,
                testing::AllOf(HasSubstr("not known any more"), HasSubstr("graftline commit " + id),
                               HasSubstr("graftline land " + id)));
    EXPECT_THAT(refused.err, testing::Not(HasSubstr("by hand")));
    EXPECT_EQ(task().at("state"), "failed");
    EXPECT_EQ(d.graftline({"commit", id, "-m", "write the report"}).status, 0);
    const auto landed = d.graftline({"land", id});
    EXPECT_EQ(landed.status, 0) << landed.err;
    EXPECT_THAT(d.repository.git("ls-tree", "--name-only", "main"), HasSubstr(id + ".txt"));
}

TEST_F(Resume, ABadRecordStopsItsRunAloneAndSaysWhatWorksInstead)
{
    ASSERT_EQ(d.graftline({"run", "Whole", "--", "true"}).status, 0);
    started_graftline first(d, {"run", "One", "--land", "--", agent()});
    ASSERT_TRUE(eventually([&] { return begun() == 1; })) << first.said();
    first.end_by(SIGINT);
    let_them_go();
    const auto id = the_interrupted_run();
    ASSERT_EQ(d.graftline({"run", "Whole too", "--", "true"}).status, 0);
    const auto count = lines_in(d.graftline({"events", "--json"}).out);
    change_state("UPDATE journal SET body = '{}' WHERE event = 1 AND kind = 'run_agent' AND run = "
                 "(SELECT number FROM runs WHERE id = '" +
                 id + "')");

    const auto told = d.graftline({"events", "--json"});
    EXPECT_EQ(told.status, 3);
    EXPECT_EQ(lines_in(told.out), count - 1) << "the rest is there";
    EXPECT_THAT(told.err, testing::AllOf(HasSubstr("run: " + id), HasSubstr(", requested")));
    const auto resumed = d.graftline({"resume", id});
    EXPECT_EQ(resumed.status, 3);
    EXPECT_THAT(resumed.err,
                testing::AllOf(HasSubstr("run: " + id), HasSubstr("record: "),
                               HasSubstr("graftline status --all"), HasSubstr("graftline retry")));
    const auto task = task_of(id);
    const auto again = d.graftline({"retry", std::string(task.at("id").as_string()), "--json"});
    EXPECT_EQ(again.status, 0) << again.err;
    EXPECT_EQ(again.json().at("merged"), 1);
    EXPECT_THAT(d.graftline({"resume"}).err, HasSubstr("there is no run to go on with"));
}

TEST_F(Resume, ARunThatIsNotThereIsSaidNotToBe)
{
    EXPECT_THAT(d.graftline({"resume"}).err, HasSubstr("there is no run to go on with"));
    EXPECT_THAT(d.graftline({"resume", "run-zz"}).err, HasSubstr("there is no run 'run-zz'"));
}

} // namespace
} // namespace graftline::test
