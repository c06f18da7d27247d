// What a body decides on is on record: a run that is gone on with does not find the store as it was.
#include "graftline/effects/operations/operations.hpp"
#include "graftline/effects/operations/resume_run.hpp"
#include "graftline/effects/store/stored_rows.hpp"

#include <boost/asio/co_spawn.hpp>

#include "tests/effects/workshop.hpp"
#include "tests/support/processes.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

class RecordedRuns : public testing::Test {
protected:
    RecordedRuns() { w.repo.commit_file("shared.txt", "one\n"); }

    fs::path state() const { return w.repo.git_folder() / "graftline"; }

    /// A process begins a run of these tasks and dies once `when()`: its loop is destroyed under it.
    void die(const std::vector<std::string>& descriptions, const std::function<bool()>& when,
             std::vector<std::pair<std::size_t, std::size_t>> after = {})
    {
        observer nobody;
        stop_button button;
        asio::io_context io(1);
        auto in = w.open(io);
        auto body = [&]() -> awaitable<void> {
            std::vector<wanted_task> wanted;
            for (const auto& d : descriptions)
                wanted.push_back({d, {}, {}});
            auto tasks = (co_await make_tasks(in, wanted, w.defaults)).value();
            for (const auto& [later, earlier] : after)
                tasks.at(later).spec.after.push_back(tasks.at(earlier).id);
            ids = ids_of(tasks);
            (void)co_await run_tasks(in, tasks, {}, nobody, button);
        };
        asio::co_spawn(io, body, [](std::exception_ptr) {});
        ASSERT_TRUE(test::soon([&] {
            io.restart();
            io.run_for(std::chrono::milliseconds(2));
            return when();
        }));
    }
    task now(std::size_t which)
    {
        if (ids.size() <= which || !store::is_there(state())) return {};
        return store(state()).find(ids.at(which)).value_or(task());
    }
    result<run_report> go_on()
    {
        observer nobody;
        stop_button button;
        return w.with([&](std::shared_ptr<project> in) -> awaitable<result<run_report>> {
            co_return co_await resume_run(in, {}, nobody, button);
        });
    }

    test::workshop w;
    std::vector<std::string> ids;
};

/// As the first revision of the programs left task and run: where the task was tried to land stood in its
/// spec.
void make_as_before_revisions(const fs::path& folder, task t)
{
    auto r = store(folder).find_run(t.owner);
    database db(folder / "state.db", database::commits::survive_processes);
    t.spec.target = t.landed_target;
    t.landed_target.clear();
    r.revision = 0;
    const auto of_task = record_text(t), of_run = record_text(r);
    db.query("UPDATE tasks SET record = ?, checksum = ? WHERE id = ?", of_task,
             sum_of({t.id, t.key, t.run, to_string(t.state), of_task}), t.id)
        .run();
    db.query("UPDATE runs SET record = ?, checksum = ? WHERE id = ?", of_run,
             sum_of({r.id, std::to_string(r.number), of_run}), r.id)
        .run();
}

TEST_F(RecordedRuns, ThatATaskWasTriedElsewhereDoesNotChangeWhatItsBodyAsksFor)
{
    for (const bool is_old : {false, true}) {
        w.defaults.into = is_old ? "old" : "integ";
        w.defaults.land = land_mode::merge;
        w.defaults.on_conflict = conflict_policy::retry;
        w.defaults.command = {"sh", "-c", R"sh(
            if test -n "$GRAFTLINE_FEEDBACK_FILE"; then printf 'both\n' >shared.txt; exit; fi
            printf '%s\n' "$GRAFTLINE_TASK" >shared.txt
            test "$GRAFTLINE_TASK" = first && exit
            until git log --format=%s "$INTO" 2>/dev/null | grep -q first; do sleep 0.02; done)sh"};
        w.defaults.command[2] = "INTO=" + w.defaults.into + "\n" + w.defaults.command[2];
        ids.clear();
        ASSERT_NO_FATAL_FAILURE(
            die({"first", "second"}, [&] { return now(1).state == task_state::conflicted; }));
        const auto t = now(1);
        EXPECT_EQ(t.spec.target, "main");
        EXPECT_EQ(target_of(t), w.defaults.into);
        if (is_old) make_as_before_revisions(state(), t);
        const auto report = go_on();
        ASSERT_TRUE(report) << report.error().message();
        EXPECT_EQ(report->tasks.at(1).state, task_state::merged) << report->tasks.at(1).reason;
        EXPECT_EQ(w.repo.git("show", w.defaults.into + ":shared.txt"), "both");
        EXPECT_EQ(to_public_json(report->tasks.at(1)).at("target").as_string(), w.defaults.into);
    }
}

TEST_F(RecordedRuns, WhatATaskComesAfterWasDoneWhenItBegan)
{
    const auto begun = w.repo.root() / "begun";
    const auto go = w.repo.root() / "go";
    w.defaults.command = {
        "sh", "-c",
        "echo x >\"$GRAFTLINE_TASK.txt\"; test \"$GRAFTLINE_TASK\" = first && exit; echo >'" +
            begun.string() + "'; until test -e '" + go.string() + "'; do sleep 0.02; done"};
    ASSERT_NO_FATAL_FAILURE(die({"first", "second"}, [&] { return fs::exists(begun); }, {{1, 0}}));
    EXPECT_EQ(now(0).state, task_state::completed);
    observer nobody;
    const auto discarded = w.with([&](std::shared_ptr<project> in) -> awaitable<result<task>> {
        co_return co_await discard_task(in, ids[0], false, nobody);
    });
    ASSERT_TRUE(discarded) << discarded.error().message();
    test::write_file(go, "");
    const auto report = go_on();
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_EQ(now(1).state, task_state::completed) << now(1).reason;
}

TEST_F(RecordedRuns, WhatATaskWasAskedForIsFixed)
{
    w.defaults.land = land_mode::merge;
    const auto t = w.run({"work"}, "echo x >x.txt").tasks.at(0);
    store s(state());
    EXPECT_THROW(s.change(t.id, [](task& now) { now.spec.target = "elsewhere"; }), std::logic_error);
    EXPECT_EQ(s.find(t.id)->spec.target, "main");
}

} // namespace
} // namespace graftline::effects
