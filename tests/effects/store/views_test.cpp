#include "graftline/effects/store/views.hpp"

#include <boost/json/parse.hpp>

#include "tests/support/test_repository.hpp"
#include <gtest/gtest.h>

#include <filesystem>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

class Views : public testing::Test {
protected:
    Views() : folder_(place_.path() / "graftline"), store_(folder_) {}

    void add(const std::string& id, const std::string& description)
    {
        task t;
        t.id = id;
        t.spec.description = description;
        t.created_at = now_text();
        store_.add(t);
    }
    void write() { write_views(store_, folder_); }

    /// "id description state" of each task in the file of all.
    std::vector<std::string> in_file_of_all() const
    {
        std::vector<std::string> all;
        const auto document = json::parse(test::read_file(whole()));
        for (const auto& t : document.at("tasks").as_array()) {
            EXPECT_EQ(t, json::parse(test::read_file(own(std::string(t.at("task_id").as_string())))));
            all.push_back(std::string(t.at("task_id").as_string()) + " " +
                          std::string(t.at("metadata").at("description").as_string()) + " " +
                          std::string(t.at("status").as_string()));
        }
        return all;
    }
    fs::path whole() const { return folder_ / "task_state.json"; }
    fs::path own(const std::string& id) const { return folder_ / "tasks" / id / "task_state.json"; }

    test::temporary_folder place_;
    fs::path folder_;
    store store_;
};

using lines = std::vector<std::string>;

TEST_F(Views, FollowWhatChanges)
{
    write();
    EXPECT_EQ(in_file_of_all(), lines{});
    add("bbb222", "Two");
    add("aaa111", "One\n    }\n  ],"); // what looks like an end of its own
    write();
    EXPECT_EQ(in_file_of_all(), (lines{"bbb222 Two pending", "aaa111 One\n    }\n  ], pending"}));
    add("ccc333", "Three");
    store_.change("bbb222", [](task& t) { t.state = task_state::running; });
    write();
    EXPECT_EQ(in_file_of_all(),
              (lines{"bbb222 Two running", "aaa111 One\n    }\n  ], pending", "ccc333 Three pending"}));
    store_.forget("bbb222");
    write();
    EXPECT_EQ(in_file_of_all(), (lines{"aaa111 One\n    }\n  ], pending", "ccc333 Three pending"}));
}

TEST_F(Views, AreWrittenWholeWhereTheOldOnesAreNotOurs)
{
    add("aaa111", "One");
    add("bbb222", "Two");
    write();
    const auto text = test::read_file(whole());
    for (const std::string& broken : {std::string(), std::string("{}"), text.substr(0, text.size() / 2),
                                      json::serialize(json::parse(text)), "[" + text}) {
        test::write_file(whole(), broken);
        store_.change("bbb222", [](task& t) { t.key = "again"; });
        write();
        EXPECT_EQ(in_file_of_all(), (lines{"aaa111 One pending", "bbb222 Two pending"})) << broken;
    }
    fs::remove(whole());
    write();
    EXPECT_EQ(in_file_of_all().size(), 2u);
}

TEST_F(Views, OfTasksThatDidNotChangeAreNotRead)
{
    for (int i = 0; i < 50; ++i)
        add("aaa" + std::to_string(100 + i), "Old");
    write();
    add("bbb222", "New");
    database(folder_ / "state.db").execute("UPDATE tasks SET record = 'damaged' WHERE id LIKE 'aaa%'");
    EXPECT_NO_THROW(write());
    EXPECT_EQ(in_file_of_all().size(), 51u);
}

} // namespace
} // namespace graftline::effects
