#include "graftline/effects/store.hpp"
#include "graftline/effects/stored_json.hpp"

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
    t.spec.stages = {{"build", "claude"}};
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
    for (const char* path : {"0.0.0", "0.1.0", "0.0.1"}) {
        effect_record e;
        e.run = "run-1";
        e.path = path;
        e.kind = "land";
        e.arguments = "{}";
        s.effect_started(e);
    }
    s.effect_resolved("run-1", "0.1.0", true, "{\"x\":1}");
    const auto all = s.effects_of("run-1");
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[0].path, "0.0.0");
    EXPECT_EQ(all[1].state, "done");
    EXPECT_EQ(all[1].outcome, "{\"x\":1}");
    EXPECT_EQ(all[2].state, "started");
}

} // namespace
} // namespace graftline::effects
