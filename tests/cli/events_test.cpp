#include "graftline/runtime/process/child.hpp"

#include <boost/json/parse.hpp>

#include "tests/cli/program.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace graftline::test {
namespace {

using testing::HasSubstr;

std::vector<boost::json::object> objects_in(const std::string& text)
{
    std::vector<boost::json::object> all;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        all.push_back(boost::json::parse(line).as_object());
    return all;
}

TEST(events, tell_what_a_run_did_in_order_and_no_secrets)
{
    desk d;
    const auto agent = d.script("agent", "echo $1 > made.txt; echo said-by-agent\n");
    ASSERT_EQ(d.graftline({"run", "A secret prompt", "--land", "--", agent, "word"}).status, 0);
    const auto told = d.graftline({"events", "--json"});
    EXPECT_EQ(told.status, 0) << told.err;
    EXPECT_THAT(told.out, testing::Not(HasSubstr("secret")));
    const auto events = objects_in(told.out);
    std::vector<std::string> story;
    std::int64_t before = 0;
    for (const auto& e : events) {
        for (const auto* key : {"number", "time", "run", "path", "event", "kind"})
            EXPECT_TRUE(e.contains(key)) << key;
        EXPECT_GT(e.at("number").as_int64(), before);
        before = e.at("number").as_int64();
        const auto what = std::string(e.at("event").as_string());
        if (what == "task" || what == "run")
            story.push_back(what + " " + std::string(e.at("state").as_string()));
        if (what == "resolved")
            story.push_back(std::string(e.at("kind").as_string()) + " " +
                            std::string(e.at("outcome").as_string()));
        if (what == "started") EXPECT_EQ(e.at("attempt"), 1);
    }
    EXPECT_THAT(story, testing::ElementsAre("run begun", "task pending", "task running",
                                            "create_worktree done", "run_agent done", "commit_changes done",
                                            "task completed", "settle_task done", "task merged", "land done",
                                            "remove_worktree done", "run done"));
    const auto run = std::string(events.back().at("run").as_string());
    EXPECT_EQ(objects_in(d.graftline({"events", run, "--json"}).out).size() + 1, events.size())
        << "all but that the task was made";
    EXPECT_THAT(d.graftline({"events"}).out, HasSubstr("run_agent of"));
}

TEST(events, are_followed_to_the_end_of_a_run)
{
    desk d;
    ASSERT_EQ(d.graftline({"run", "One", "--", "true"}).status, 0);
    const auto run =
        std::string(d.graftline({"status", "--json"}).json().at("runs").at(0).at("id").as_string());
    const auto followed = d.graftline({"events", run, "--follow", "--json"});
    EXPECT_EQ(objects_in(followed.out).back().at("state"), "done");
}

TEST(events, are_followed_as_long_as_somebody_reads_them)
{
    desk d;
    ASSERT_EQ(d.graftline({"run", "One", "--", "true"}).status, 0);
    const auto follow = d.prepared(d.repository.top(), {"events", "--follow"});
    launch how;
    how.words = {"sh", "-c", "\"$@\" | head -n 1", "sh"};
    how.words.insert(how.words.end(), follow.words().begin(), follow.words().end());
    how.environment = follow.environment();
    how.folder = follow.folder();
    asio::io_context io(1);
    auto both = child::start(io.get_executor(), how).value();
    EXPECT_TRUE(both->ended_within(std::chrono::seconds(60)));
}

TEST(events, of_nothing_are_none)
{
    desk d;
    const auto told = d.graftline({"events", "--json"});
    EXPECT_EQ(told.status, 0);
    EXPECT_EQ(told.out, "");
}

} // namespace
} // namespace graftline::test
