#include <boost/json/serialize.hpp>

#include "tests/cli/program.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(check, says_nothing_conflicts_where_there_is_nothing)
{
    desk d;
    const auto answer = d.graftline({"check"});
    EXPECT_EQ(answer.status, 0) << answer.err;
    EXPECT_THAT(answer.out, HasSubstr("no task"));
    EXPECT_FALSE(std::filesystem::exists(d.repository.git_folder() / "graftline"));
    const auto json = d.graftline({"check", "--json"}).json();
    EXPECT_EQ(json.at("tasks"), 0);
    EXPECT_TRUE(json.at("overlaps").as_array().empty());
}

TEST(check, names_both_tasks_and_the_files_and_what_to_do)
{
    desk d;
    const auto one = d.graftline({"create", "Greet louder", "--json"}).json();
    const auto two = d.graftline({"create", "Greet in French", "--json"}).json();
    const auto id_of = [](const boost::json::value& t) { return std::string(t.at("id").as_string()); };
    const auto worktree_of = [](const boost::json::value& t) {
        return std::filesystem::path(std::string(t.at("worktree").as_string()));
    };
    EXPECT_EQ(d.graftline({"check"}).status, 0) << "nothing is done yet";
    write_file(worktree_of(one) / "greeting.txt", "HELLO\n");
    write_file(worktree_of(two) / "greeting.txt", "bonjour\n");

    const auto answer = d.graftline({"check"});
    EXPECT_EQ(answer.status, 1) << answer.err;
    EXPECT_THAT(answer.out, AllOf(HasSubstr(id_of(one)), HasSubstr(id_of(two)), HasSubstr("Greet louder"),
                                  HasSubstr("Greet in French"), HasSubstr("greeting.txt (contents)"),
                                  HasSubstr("graftline diff " + id_of(one))));
    const auto asked = d.graftline({"check", "--json"});
    EXPECT_EQ(asked.status, 1);
    const auto json = asked.json();
    EXPECT_EQ(json.at("tasks"), 2);
    EXPECT_EQ(json.at("pairs"), 3);
    EXPECT_TRUE(json.at("duration_ms").is_number());
    EXPECT_TRUE(json.at("not_checked").as_array().empty());
    const auto& overlaps = json.at("overlaps").as_array();
    ASSERT_EQ(overlaps.size(), 1u);
    EXPECT_EQ(overlaps[0].at("a").as_string(), id_of(one));
    EXPECT_EQ(overlaps[0].at("b").as_string(), id_of(two));
    EXPECT_EQ(overlaps[0].at("target").as_string(), "main");
    EXPECT_EQ(boost::json::serialize(overlaps[0].at("paths")), "[\"greeting.txt\"]");
    EXPECT_EQ(d.repository.git_in(worktree_of(one), "status", "--short"), " M greeting.txt");
}

TEST(check, a_conflict_with_the_target_is_the_tasks_own)
{
    desk d;
    const auto made = d.graftline({"create", "Greet louder", "--json"}).json();
    write_file(std::filesystem::path(std::string(made.at("worktree").as_string())) / "greeting.txt",
               "HELLO\n");
    d.repository.commit_file("greeting.txt", "good morning\n");
    const auto answer = d.graftline({"check"});
    EXPECT_EQ(answer.status, 1);
    EXPECT_THAT(answer.out, HasSubstr("its target main"));
    const auto json = d.graftline({"check", "--json"}).json();
    EXPECT_TRUE(json.at("overlaps").at(0).at("b").is_null());
}

TEST(status, carries_the_overlaps_that_a_run_recorded)
{
    desk d;
    const auto one = d.graftline({"create", "Greet louder", "--json"}).json();
    const std::string id(one.at("id").as_string());
    write_file(d.repository.git_folder() / "graftline" / "overlaps.json",
               R"({"overlaps":[{"a":")" + id +
                   R"(","b":null,"target":"main","paths":["greeting.txt"],"kinds":["contents"]}]})");
    const auto json = d.graftline({"status", "--json"}).json();
    ASSERT_EQ(json.at("overlaps").as_array().size(), 1u);
    EXPECT_EQ(json.at("overlaps").at(0).at("paths").at(0).as_string(), "greeting.txt");
    EXPECT_THAT(d.graftline({"status"}).out,
                HasSubstr(id + " and its target main will conflict in greeting"));
    EXPECT_THAT(d.graftline({"status", id}).out, HasSubstr("overlap"));
    EXPECT_EQ(d.graftline({"discard", id}).status, 0);
    EXPECT_TRUE(d.graftline({"status", "--json"}).json().at("overlaps").as_array().empty());
}

} // namespace
} // namespace graftline::test
