#include "graftline/effects/db/stored_json.hpp"
#include "graftline/effects/store/store.hpp"
#include "graftline/effects/store/stored_rows.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

class Store : public testing::Test {
protected:
    Store()
    {
        std::string pattern = (fs::temp_directory_path() / "graftline-store-XXXXXX").string();
        folder_ = fs::path(::mkdtemp(pattern.data())) / "graftline";
    }
    ~Store() override { fs::remove_all(folder_.parent_path()); }

    static task make(std::string id, std::string key = {})
    {
        task t;
        t.id = std::move(id);
        t.key = std::move(key);
        t.spec.description = "Do " + t.id;
        t.created_at = now_text();
        return t;
    }

    static fault fault_of(const std::function<void()>& what)
    {
        try {
            what();
        } catch (const fault_error& e) {
            return e.why();
        }
        return {};
    }

    fs::path folder_;
};

TEST_F(Store, AWholeTaskReadsBack)
{
    store s(folder_);
    auto t = make("aaa111", "ENG-1");
    t.spec.env = {{"A", "1"}};
    t.spec.metadata = {{"ticket", "ENG-1"}, {"nested", json::object{{"x", 1}}}};
    t.spec.gates = {{"make", "test"}, {"./check"}};
    t.spec.land = land_mode::squash;
    t.spec.timeout_ms = 1500;
    t.spec.stages = {{"build", "claude", "", false}};
    t.exit_code = 0;
    t.usage = token_usage{1, 2, 0.5};
    t.conflicts = {"a b", "ü"};
    s.add(t);
    const auto read = s.find("aaa111");
    ASSERT_TRUE(read);
    EXPECT_EQ(to_stored(*read), to_stored(t));
}

TEST_F(Store, IsReadableByTheUserAlone)
{
    store s(folder_);
    struct stat info{};
    ASSERT_EQ(::stat(folder_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(Store, ARecordOfAnotherVersionKeepsWhatBothKnow)
{
    auto stored = to_stored(make("aaa111")).as_object();
    stored["a_field_of_the_future"] = 1;
    stored.erase("rescues");
    stored["spec"].as_object().erase("priority");
    const auto read = from_stored<task>(stored);
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->id, "aaa111");
    EXPECT_EQ(read->spec.priority, 0);
}

TEST_F(Store, ANewerSchemaIsRefusedWithBothNumbers)
{
    store(folder_).add(make("aaa111"));
    database(folder_ / "state.db").execute("PRAGMA user_version = 99");
    const auto f = fault_of([&] { store s(folder_); });
    EXPECT_TRUE(f.is(errc::unusable)) << f.message();
    EXPECT_NE(f.message().find("99"), std::string::npos);
}

TEST_F(Store, ATransitionThatTheTableLacksChangesNothing)
{
    store s(folder_);
    s.add(make("aaa111"));
    const auto f = fault_of([&] { s.change("aaa111", [](task& t) { t.state = task_state::merged; }); });
    EXPECT_TRUE(f.is(errc::refused)) << f.message();
    EXPECT_EQ(s.find("aaa111")->state, task_state::pending);
}

TEST_F(Store, ResolvesIdsPrefixesAndKeys)
{
    store s(folder_);
    s.add(make("aaa111", "auth"));
    s.add(make("aab222", "auth"));
    s.add(make("ccc333"));
    EXPECT_EQ(s.resolve("aaa111").id, "aaa111");
    EXPECT_EQ(s.resolve("c").id, "ccc333");
    EXPECT_EQ(s.resolve("auth").id, "aab222") << "the newest of several";
    s.change("aab222", [](task& t) { t.state = task_state::discarded; });
    EXPECT_EQ(s.resolve("auth").id, "aaa111") << "one that is not over comes first";
    const auto several = fault_of([&] { s.resolve("aa"); });
    EXPECT_TRUE(several.is(errc::invalid));
    EXPECT_NE(several.message().find("aab222"), std::string::npos) << several.message();
    EXPECT_TRUE(fault_of([&] { s.resolve("zzz"); }).is(errc::not_found));
    EXPECT_TRUE(fault_of([&] { s.resolve(""); }).is(errc::not_found));
    EXPECT_TRUE(fault_of([&] { s.resolve("%"); }).is(errc::not_found));
}

TEST_F(Store, EightWritersOfOneTaskLoseNoChange)
{
    store(folder_).add(make("aaa111"));
    std::vector<std::jthread> writers;
    for (int w = 0; w < 8; ++w)
        writers.emplace_back([this] {
            store mine(folder_);
            for (int i = 0; i < 25; ++i)
                mine.change("aaa111", [](task& t) { ++t.attempts; });
        });
    writers.clear();
    EXPECT_EQ(store(folder_).find("aaa111")->attempts, 200);
}

TEST_F(Store, ManyOpenANewOneAtOnce)
{
    for (int round = 0; round < 20; ++round) {
        fs::remove_all(folder_);
        std::vector<std::jthread> openers;
        for (int o = 0; o < 8; ++o)
            openers.emplace_back([this, o] {
                const auto f = fault_of([&] { store(folder_).add(make("aaa" + std::to_string(o))); });
                EXPECT_EQ(f.what(), "") << f.message();
            });
        openers.clear();
        EXPECT_EQ(store(folder_).tasks().size(), 8u);
    }
}

TEST_F(Store, ADatabaseThatIsNoneIsSaidToBeCorrupt)
{
    fs::create_directories(folder_);
    std::ofstream(folder_ / "state.db") << std::string(8192, 'x');
    const auto f = fault_of([&] { store s(folder_); });
    EXPECT_TRUE(f.is(errc::corrupt)) << f.message();
    EXPECT_NE(f.message().find("state.db"), std::string::npos) << f.message();
}

TEST_F(Store, KeepsTheJournalInOrder)
{
    store s(folder_);
    run_record r;
    r.id = "run-1";
    const auto number = s.add(r).number;
    database db(folder_ / "state.db");
    journal_inserter into(db, folder_);
    auto write = [&](journal_event event, const char* path, std::int64_t detail, std::string body) {
        into.insert({0, 1000, number, event, path, "land", detail, std::move(body)});
    };
    for (const char* path : {"0.0.0", "0.1.0", "0.0.1"})
        write(journal_event::requested, path, 7, "{}");
    write(journal_event::started, "0.0.1", 1, {});
    write(journal_event::resolved, "0.1.0", 1, "{\"x\":1}");
    const auto all = s.effects_of("run-1");
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[0].path, "0.0.0");
    EXPECT_EQ(all[1].state, "done");
    EXPECT_EQ(all[1].outcome, "{\"x\":1}");
    EXPECT_EQ(all[2].state, "started");
}

TEST_F(Store, TellsOfEveryStateOfATaskInTheJournal)
{
    store s(folder_);
    s.add(make("aaa111"));
    s.change("aaa111", [](task& t) { t.reason = "no other state"; });
    s.change("aaa111", [](task& t) { t.state = task_state::running; });
    std::vector<std::string> told;
    s.read_journal(0, std::nullopt, [&](journal_record&& r) {
        told.push_back(std::string(to_string(r.event)) + " " + r.path + " " + r.kind);
        return true;
    });
    EXPECT_EQ(told, (std::vector<std::string>{"task aaa111 pending", "task aaa111 running"}));
}

TEST_F(Store, ALargeResultLiesInAFileOfItsOwnAndReadsBack)
{
    store s(folder_);
    database db(folder_ / "state.db");
    const std::string large(200'000, 'x');
    journal_inserter(db, folder_).insert({0, 1, 3, journal_event::resolved, "0.1", "", 1, large});
    std::string read;
    s.read_journal(0, 3, [&](journal_record&& r) { return read = std::move(r.body), true; });
    EXPECT_EQ(read, large);
    const auto file = folder_ / "journal" / "3" / "0.1.resolved.json";
    EXPECT_EQ(fs::file_size(file), large.size());
    std::ofstream(file) << "y";
    const auto f = fault_of([&] { s.read_journal(0, 3, [](journal_record&&) { return true; }); });
    EXPECT_TRUE(f.is(errc::corrupt)) << f.message();
    EXPECT_NE(f.message().find("0.1"), std::string::npos) << f.message();
}

TEST_F(Store, LargeRecordsOfOneEffectDoNotOverwriteEachOther)
{
    store s(folder_);
    database db(folder_ / "state.db");
    std::vector<std::string> written, read;
    for (const char letter : {'x', 'y', 'z'}) {
        written.emplace_back(200'000, letter);
        journal_inserter(db, folder_).insert({0, 1, 3, journal_event::put_off, "0.1", "", 1, written.back()});
    }
    s.read_journal(0, 3, [&](journal_record&& r) { return read.push_back(std::move(r.body)), true; });
    EXPECT_TRUE(read == written);
}

TEST_F(Store, ARecordThatSomethingChangedIsCorruptAndNamed)
{
    store s(folder_);
    run_record r;
    r.id = "run-1";
    const auto number = s.add(r).number;
    database db(folder_ / "state.db");
    journal_inserter(db, folder_)
        .insert({0, 1, number, journal_event::resolved, "0.2.1", "", 1, "{\"a\":1}"});
    db.execute("UPDATE journal SET body = '{\"a\":2}' WHERE path = '0.2.1'");
    const auto f = fault_of([&] { s.read_journal(0, number, [](journal_record&&) { return true; }); });
    EXPECT_TRUE(f.is(errc::corrupt)) << f.message();
    EXPECT_NE(f.message().find("run-1"), std::string::npos) << f.message();
    EXPECT_NE(f.message().find("0.2.1"), std::string::npos) << f.message();
}

TEST_F(Store, ForgetsTheJournalOfRunsThatNobodyWillGoOnWith)
{
    store s(folder_);
    database db(folder_ / "state.db");
    const auto now = real_clock().now();
    const auto later = now + std::chrono::hours(2);
    auto add = [&](const std::string& id, const std::string& task_id, task_state state,
                   const std::string& owner, utc_time last_record) {
        auto t = make(task_id);
        t.run = id;
        t.state = state;
        t.owner = owner;
        run_record r;
        r.id = id;
        r.tasks = {t.id};
        const auto number = s.add(r, {t}).number;
        const std::string large(journal_inserter::largest_body + 1, 'x');
        journal_inserter(db, folder_)
            .insert({0, last_record.time_since_epoch().count(), number, journal_event::resolved, "0.0", "", 1,
                     large});
        return number;
    };
    const auto over = add("run-over", "aaa111", task_state::merged, "", now);
    const auto young = add("run-young", "bbb222", task_state::merged, "", later);
    const auto open = add("run-open", "ccc333", task_state::failed, "", now);
    const auto owner = add("run-owner", "ddd444", task_state::merged, "run-owner", now);
    const auto alive = add("run-alive", "eee555", task_state::merged, "", now);

    const auto before = now + std::chrono::hours(1);
    const auto goes_on = [](const run_record& r) { return r.id == "run-alive"; };
    EXPECT_EQ(s.runs_with_old_journal(before, goes_on).size(), 1U);
    const auto gone = s.forget_old_journals(before, goes_on);
    ASSERT_EQ(gone.size(), 1U);
    EXPECT_EQ(gone[0].id, "run-over");
    auto left_of = [&](std::int64_t number) {
        int records = 0;
        s.read_journal(0, number, [&](journal_record&&) { return ++records > 0; });
        return records;
    };
    EXPECT_EQ(left_of(over), 0);
    EXPECT_FALSE(fs::exists(folder_ / "journal" / std::to_string(over)));
    for (const auto number : {young, open, owner, alive}) {
        EXPECT_EQ(left_of(number), 3) << number;
        EXPECT_TRUE(fs::exists(folder_ / "journal" / std::to_string(number)));
    }
    EXPECT_EQ(s.runs().size(), 5U) << "that they were stays known";
    EXPECT_TRUE(s.runs_with_old_journal(before, goes_on).empty());
}

// As graftline 0.1 with schema 1 made it.
constexpr const char* schema_1 = R"(
    CREATE TABLE tasks (id TEXT PRIMARY KEY, number INTEGER NOT NULL, key TEXT NOT NULL, run TEXT NOT NULL,
        state TEXT NOT NULL, record TEXT NOT NULL) WITHOUT ROWID;
    CREATE UNIQUE INDEX tasks_by_number ON tasks (number);
    CREATE INDEX tasks_by_run ON tasks (run);
    CREATE TABLE runs (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL);
    CREATE TABLE effects (number INTEGER PRIMARY KEY, run TEXT NOT NULL, path TEXT NOT NULL, kind TEXT NOT NULL,
        arguments TEXT NOT NULL, state TEXT NOT NULL, outcome TEXT NOT NULL DEFAULT '', started_at TEXT NOT NULL,
        resolved_at TEXT NOT NULL DEFAULT '', UNIQUE (run, path));
    CREATE TABLE intents (task TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
    INSERT INTO runs VALUES (1, 'run-0a', '{"id":"run-0a","program":"run","started_at":"2026-01-02T03:04:05.000Z"}');
    INSERT INTO tasks VALUES ('aaa111', 1, '', 'run-0a', 'running',
        '{"id":"aaa111","state":"running","run":"run-0a","spec":{"description":"Old"}}');
    INSERT INTO effects VALUES (1, 'run-0a', '0.0.0', 'create_worktree', '{"task":"aaa111"}', 'done', '{"path":"/w"}',
        '2026-01-02T03:04:06.000Z', '2026-01-02T03:04:07.500Z');
    INSERT INTO effects VALUES (2, 'run-0a', '0.0.1', 'run_agent', '{"task":"aaa111"}', 'started', '',
        '2026-01-02T03:04:08.000Z', '');
    PRAGMA user_version = 1;
)";

TEST_F(Store, MigratesADatabaseOfTheFirstSchema)
{
    fs::create_directories(folder_);
    database(folder_ / "state.db").execute(schema_1);
    {
        store s(folder_);
        EXPECT_EQ(s.find("aaa111")->spec.description, "Old");
        const auto effects = s.effects_of("run-0a");
        ASSERT_EQ(effects.size(), 2u);
        EXPECT_EQ(effects[0].kind, "create_worktree");
        EXPECT_EQ(effects[0].state, "done");
        EXPECT_EQ(effects[0].outcome, "{\"path\":\"/w\"}");
        EXPECT_EQ(effects[0].resolved_at, "2026-01-02T03:04:07.500Z");
        EXPECT_EQ(effects[1].state, "started");
        s.change("aaa111", [](task& t) { t.state = task_state::failed; });
    }
    EXPECT_EQ(store(folder_).find("aaa111")->state, task_state::failed) << "and opens again";
}

TEST_F(Store, GivesChecksumsToTheRowsOfAnOlderSchema)
{
    fs::create_directories(folder_);
    {
        database db(folder_ / "state.db");
        db.execute(schema_1);
        db.execute("INSERT INTO tasks VALUES ('bbb222', 2, '', 'run-0a', 'running', 'no JSON')");
    }
    store s(folder_);
    EXPECT_EQ(s.find("aaa111")->spec.description, "Old");
    EXPECT_EQ(s.runs().at(0).id, "run-0a");
    EXPECT_TRUE(fault_of([&] { s.find("bbb222"); }).is(errc::corrupt)) << "it never read back";
}

// As graftline with schema 3 made it, and left it in the middle of a run.
constexpr const char* schema_3 = R"(
    CREATE TABLE tasks (id TEXT PRIMARY KEY, number INTEGER NOT NULL, key TEXT NOT NULL, run TEXT NOT NULL,
        state TEXT NOT NULL, record TEXT NOT NULL, checksum INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
    CREATE UNIQUE INDEX tasks_by_number ON tasks (number);
    CREATE INDEX tasks_by_run ON tasks (run);
    CREATE TABLE runs (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL,
        checksum INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE intents (task TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE journal (number INTEGER PRIMARY KEY, time INTEGER NOT NULL, run INTEGER NOT NULL,
        event INTEGER NOT NULL, path TEXT NOT NULL, kind TEXT NOT NULL, detail INTEGER NOT NULL, body TEXT,
        file TEXT, checksum INTEGER NOT NULL);
    PRAGMA user_version = 3;
)";

/// Rows with the checksums that belong to them.
void fill_schema_3(database& db)
{
    const auto put_task = [&](int number, const std::string& id, const std::string& state,
                              const std::string& more) {
        const auto record =
            "{\"id\":\"" + id + "\",\"state\":\"" + state + "\",\"run\":\"run-0a\"" + more + "}";
        db.query("INSERT INTO tasks VALUES (?, ?, '', 'run-0a', ?, ?, ?)", id, std::int64_t{number}, state,
                 record, sum_of({id, "", "run-0a", state, record}))
            .run();
    };
    put_task(1, "aaa111", "running",
             ",\"owner\":\"run-0a\",\"port_base\":20010,\"spec\":{\"description\":\"Old\"}");
    put_task(2, "bbb222", "merged", ",\"port_base\":20020");
    const auto put_run = [&](int number, const std::string& id, const std::string& outcome) {
        const auto record = "{\"id\":\"" + id +
                            "\",\"program\":\"run\",\"tasks\":[\"aaa111\"],\"outcome\":\"" + outcome + "\"}";
        db.query("INSERT INTO runs VALUES (?, ?, ?, ?)", std::int64_t{number}, id, record,
                 sum_of({id, std::to_string(number), record}))
            .run();
    };
    put_run(1, "run-0a", "");
    put_run(2, "run-0b", "done");
}

TEST_F(Store, MigratesADatabaseOfTheSchemaBeforeThis)
{
    fs::create_directories(folder_);
    {
        database db(folder_ / "state.db");
        db.execute(schema_3);
        fill_schema_3(db);
    }
    store s(folder_);
    ASSERT_EQ(s.tasks().size(), 2u);
    ASSERT_EQ(s.tasks_in({task_state::running}).size(), 1u);
    EXPECT_EQ(s.tasks_in({task_state::running})[0].spec.description, "Old");
    ASSERT_EQ(s.tasks_owned_by("run-0a").size(), 1u);
    EXPECT_EQ(s.ports_given(""), std::set<int>{20010}) << "of those that run";
    ASSERT_EQ(s.runs_not_done().size(), 1u);
    EXPECT_EQ(s.runs_not_done()[0].id, "run-0a");
    std::size_t unviewed = 0;
    s.view_changed([&](const std::vector<task>& changed, std::size_t) { unviewed = changed.size(); });
    EXPECT_EQ(unviewed, 2u) << "what an older graftline wrote of them may be old";
}

TEST_F(Store, AnotherSchemaIsSaidByWhoeverDoesNotKnowIt)
{
    store(folder_).add(make("aaa111"));
    database db(folder_ / "state.db");
    auto version = db.query("PRAGMA user_version");
    version.next();
    // An older graftline compares this number with its own before it reads or writes anything else.
    EXPECT_EQ(version.integer(0), 5);
}

TEST_F(Store, ADamagedOneOfTheSchemaBeforeThisIsReplacedToo)
{
    fs::create_directories(folder_);
    {
        database db(folder_ / "state.db");
        db.execute(schema_3);
        fill_schema_3(db);
        db.execute("UPDATE tasks SET record = 'no JSON' WHERE id = 'bbb222'");
    }
    const auto done = store::replace(folder_, {});
    EXPECT_EQ(done.kept, 1u);
    store s(folder_);
    ASSERT_EQ(s.tasks_owned_by("run-0a").size(), 1u) << "is found as one of the present schema is";
    EXPECT_EQ(s.runs_not_done().size(), 1u);
}

TEST_F(Store, FindsTasksByWhatTheyAreNow)
{
    store s(folder_);
    for (const auto* id : {"aaa111", "bbb222", "ccc333"})
        s.add(make(id));
    s.change("bbb222", [](task& t) {
        t.state = task_state::running;
        t.owner = "run-1";
    });
    ASSERT_EQ(s.tasks_in({task_state::running}).size(), 1u);
    EXPECT_EQ(s.tasks_in({task_state::running})[0].id, "bbb222");
    EXPECT_EQ(s.tasks_in({task_state::pending, task_state::running}).size(), 3u);
    EXPECT_EQ(s.tasks_owned_by("run-1").size(), 1u);
    EXPECT_TRUE(s.tasks_owned_by("").empty());
    EXPECT_EQ(s.owned_tasks().size(), 1u);
    EXPECT_EQ(s.tasks_not_over().size(), 3u);
    s.change("ccc333", [](task& t) { t.state = task_state::discarded; });
    EXPECT_EQ(s.tasks_not_over().size(), 2u);
    s.change("bbb222", [](task& t) { t.owner.clear(); });
    EXPECT_TRUE(s.tasks_owned_by("run-1").empty());
    EXPECT_TRUE(s.has("ccc333"));
    EXPECT_FALSE(s.has("ccc"));
}

TEST_F(Store, GivesABlockOfPortsToOneRunningTaskAtATime)
{
    store s(folder_);
    const auto run = [](task& t) { t.state = task_state::running; };
    for (const auto* id : {"aaa111", "bbb222", "ccc333"}) {
        s.add(make(id));
        s.change(id, run);
    }
    EXPECT_TRUE(s.give_ports("aaa111", 20000));
    EXPECT_FALSE(s.give_ports("bbb222", 20000));
    EXPECT_EQ(s.find("bbb222")->port_base, 0);
    EXPECT_TRUE(s.give_ports("bbb222", 20010));
    EXPECT_EQ(s.ports_given("ccc333"), (std::set<int>{20000, 20010}));
    EXPECT_EQ(s.ports_given("aaa111"), std::set<int>{20010}) << "its own it may have again";
    s.change("aaa111", [](task& t) { t.state = task_state::failed; });
    EXPECT_EQ(s.ports_given(""), std::set<int>{20010}) << "what is over needs none";
    EXPECT_TRUE(s.give_ports("ccc333", 20000));
}

TEST_F(Store, KnowsWhichTasksHaveChangedSinceTheyWereViewed)
{
    store s(folder_);
    std::vector<std::string> seen;
    std::size_t all = 0;
    const auto view = [&](const std::vector<task>& changed, std::size_t count) {
        seen.clear();
        for (const auto& t : changed)
            seen.push_back(t.id);
        all = count;
    };
    for (const auto* id : {"bbb222", "aaa111", "ccc333"})
        s.add(make(id));
    s.view_changed(view);
    EXPECT_EQ(seen, (std::vector<std::string>{"bbb222", "aaa111", "ccc333"})) << "oldest first";
    s.change("aaa111", [](task& t) { t.key = "k"; });
    s.change("aaa111", [](task& t) { t.key = "l"; });
    s.forget("ccc333");
    EXPECT_THROW(s.view_changed([](const auto&, std::size_t) { throw std::runtime_error("no room"); }),
                 std::runtime_error);
    s.view_changed(view);
    EXPECT_EQ(seen, std::vector<std::string>{"aaa111"}) << "the view that failed counts for nothing";
    EXPECT_EQ(all, 2u);
    s.view_changed(view);
    EXPECT_TRUE(seen.empty());
}

/// How SQLite finds the rows of a query.
std::string plan_of(database& db, const std::string& query)
{
    std::string text;
    auto rows = db.query("EXPLAIN QUERY PLAN " + query);
    while (rows.next())
        text += rows.text(3) + "; ";
    return text;
}

TEST_F(Store, ReadsNothingButWhatItIsAskedFor)
{
    store s(folder_);
    database db(folder_ / "state.db");
    for (const auto* query :
         {"SELECT port_base FROM tasks WHERE state = 'running' AND port_base <> 0 AND id <> ?",
          "SELECT record FROM tasks WHERE state IN ('running') ORDER BY number",
          "SELECT record FROM tasks WHERE owner = ? AND owner <> '' ORDER BY number",
          "SELECT record FROM tasks WHERE owner <> '' AND owner > '' ORDER BY +number",
          "SELECT record FROM runs WHERE outcome <> 'done' ORDER BY number",
          "SELECT record FROM tasks WHERE id IN (SELECT task FROM unviewed) ORDER BY number",
          "SELECT number FROM journal WHERE run = ? AND number > ? ORDER BY number",
          "SELECT run FROM journal GROUP BY run HAVING MAX(time) < ?"}) {
        const auto plan = plan_of(db, query);
        EXPECT_NE(plan.find(" USING "), std::string::npos) << query << ": " << plan;
        EXPECT_EQ(plan.find("SCAN tasks"), std::string::npos) << query << ": " << plan;
    }
    EXPECT_EQ(
        plan_of(db, "SELECT 1 FROM journal WHERE run = 1 AND number > 5 ORDER BY number").find("TEMP B-TREE"),
        std::string::npos);
}

TEST_F(Store, ADamagedOneIsFoundAndReplaced)
{
    store(folder_).add(make("aaa111"));
    EXPECT_FALSE(store::is_damaged(folder_));
    std::ofstream(folder_ / "state.db") << std::string(8192, 'x');
    EXPECT_TRUE(store::is_damaged(folder_));
    const auto done = store::replace(folder_, {make("bbb222")});
    EXPECT_TRUE(fs::exists(done.aside));
    EXPECT_EQ(done.found, 1u);
    EXPECT_EQ(store(folder_).tasks().size(), 1u);
}

TEST_F(Store, AKillBetweenTwoStepsOfReplacingCostsNothing)
{
    for (const bool old_was_moved : {false, true}) {
        fs::remove_all(folder_);
        const auto other = folder_.parent_path() / "other";
        store(folder_).add(make("aaa111"));
        store(other).add(make("bbb222"));
        fs::rename(other / "state.db", folder_ / "state.db.new");
        fs::remove_all(other);
        if (old_was_moved) fs::rename(folder_ / "state.db", folder_ / "state.db.corrupt-x");
        EXPECT_TRUE(store::is_there(folder_));
        EXPECT_EQ(store(folder_).tasks().at(0).id, "bbb222");
        const auto is_old = [](const auto& file) {
            return file.path().filename().string().starts_with("state.db.corrupt-");
        };
        EXPECT_EQ(std::ranges::count_if(fs::directory_iterator(folder_), fs::directory_iterator(), is_old),
                  1);
        EXPECT_FALSE(store::is_damaged(folder_));
    }
}

TEST_F(Store, ALostJournalEndsItsRunsAndCostsNoTask)
{
    run_record r;
    r.id = "run-1";
    std::int64_t page = 0;
    {
        store s(folder_);
        s.add(r, {make("aaa111")});
        s.change("aaa111", [](task& t) { t.owner = "run-1"; });
        database db(folder_ / "state.db");
        auto root = db.query("SELECT rootpage FROM sqlite_master WHERE name = 'journal'");
        root.next();
        page = root.integer(0);
        root.reset();
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    {
        std::fstream file(folder_ / "state.db", std::ios::binary | std::ios::in | std::ios::out);
        file.seekp((page - 1) * 4096);
        file << std::string(4096, '\x01');
    }
    ASSERT_TRUE(store::is_damaged(folder_));
    const auto done = store::replace(folder_, {});
    EXPECT_EQ(done.kept, 1u);
    store s(folder_);
    EXPECT_EQ(s.find("aaa111")->owner, "");
    EXPECT_EQ(s.find_run("run-1").outcome, "damaged") << "what it had done is not known";
}

TEST_F(Store, ABadRowIsNamedAndCostsItselfAlone)
{
    for (const std::string damage :
         {"UPDATE tasks SET record = 'no JSON' WHERE id = 'bbb222'",
          "UPDATE tasks SET record = replace(record, 'Do', 'Du') WHERE id = 'bbb222'",
          "UPDATE tasks SET state = 'merged' WHERE id = 'bbb222'",
          "UPDATE runs SET record = replace(record, '7', '8') WHERE id = 'run-2'"}) {
        fs::remove_all(folder_);
        const bool of_tasks = damage.starts_with("UPDATE tasks");
        run_record first, second;
        first.id = "run-1";
        second.id = "run-2";
        second.pid = 7;
        {
            store s(folder_);
            first = s.add(first, {make("aaa111", "ENG-1")});
            second = s.add(second, {make("bbb222"), make("ccc333")});
            s.change("aaa111", [](task& t) { t.rescues = {"refs/graftline/rescue/aaa111/1"}; });
            s.change("ccc333", [](task& t) { t.owner = "run-2"; });
            s.set_intents({{"aaa111", "{}"}});
            database(folder_ / "state.db").execute(damage.c_str());
            const auto f = fault_of([&] { of_tasks ? (void)s.tasks() : s.check_runs(); });
            EXPECT_TRUE(f.is(errc::corrupt)) << damage;
            for (const std::string said :
                 {of_tasks ? "tasks" : "runs", of_tasks ? "bbb222" : "run-2", "state.db", "graftline clean"})
                EXPECT_NE(f.message().find(said), std::string::npos) << f.message();
        }
        ASSERT_TRUE(store::is_damaged(folder_)) << damage;
        auto again = make("bbb222");
        again.attempts = 1;
        auto elsewhere = make("ddd444");
        elsewhere.landed = "1234";
        const auto done = store::replace(folder_, {again, make("aaa111"), elsewhere});
        EXPECT_FALSE(store::is_damaged(folder_));
        EXPECT_EQ(done.bad, (std::vector<std::string>{of_tasks ? "tasks bbb222" : "runs run-2"}));
        EXPECT_EQ(done.kept, of_tasks ? 2u : 3u);
        EXPECT_EQ(done.found, of_tasks ? 1u : 0u);
        store s(folder_);
        EXPECT_EQ(ids_of(s.tasks()).size(), 3u);
        EXPECT_EQ(s.find("aaa111")->key, "ENG-1");
        EXPECT_EQ(s.find("aaa111")->rescues.size(), 1u);
        EXPECT_EQ(s.find("ccc333")->owner, of_tasks ? "run-2" : "")
            << "nobody goes on with a run that is gone";
        EXPECT_EQ(s.intents().size(), 1u);
        EXPECT_EQ(s.find_run("run-1").number, first.number);
        EXPECT_EQ(s.runs().size(), of_tasks ? 2u : 1u);
        int records = 0;
        s.read_journal(0, second.number, [&](journal_record&&) { return ++records > 0; });
        EXPECT_EQ(records > 0, of_tasks) << "a new run may get its number";
    }
}

} // namespace
} // namespace graftline::effects
