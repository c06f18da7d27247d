// A filter that fails after graftline was killed while the checkout followed a landing.
#include "tests/cli/program.hpp"
#include "tests/cli/started_graftline.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;

TEST(BrokenFilter, AfterAKillLeavesFilesAsTheyWere)
{
    desk d;
    const auto mark = d.repository.root() / "mark";
    d.repository.write(".gitattributes", "*.bin filter=f\n");
    for (const char* key : {"filter.f.clean", "filter.f.smudge"})
        d.repository.git("config", key, "cat");
    d.repository.git("config", "filter.f.required", "true");
    d.repository.write("a.bin", "one\n");
    d.repository.write("b.bin", "one\n");
    d.repository.commit("filtered");
    const auto made =
        d.graftline({"run", "t", "--json", "--", d.script("agent", "echo 2 >a.bin; echo 2 >b.bin\n")});
    ASSERT_EQ(made.status, 0) << made.err;
    const auto report = made.json();
    const std::string id(report.at("tasks").at(0).at("id").as_string());

    d.repository.git("config", "filter.f.smudge",
                     d.script("slow", "echo $PPID >'" + mark.string() + "'; exec sleep 300\n"));
    started_graftline killed(d, {"land", id});
    ASSERT_TRUE(eventually([&] { return fs::exists(mark); })) << killed.said();
    EXPECT_EQ(killed.end_by(SIGKILL), 137);
    EXPECT_FALSE(fs::exists(d.repository.top() / "a.bin")) << "git has removed it to write it anew";

    d.repository.git("config", "filter.f.smudge", "/bin/false");
    const auto again = d.graftline({"land", id});
    EXPECT_EQ(again.status, 1);
    EXPECT_EQ(d.repository.read("a.bin"), "one\n") << again.err;
    EXPECT_EQ(d.repository.read("b.bin"), "one\n");
    EXPECT_EQ(d.repository.git("status", "--porcelain"), "");

    d.repository.git("config", "filter.f.smudge", "cat");
    EXPECT_EQ(d.graftline({"land", id}).status, 0);
    EXPECT_EQ(d.repository.read("a.bin"), "2\n");
    for (const auto& entry : fs::directory_iterator(d.repository.git_folder() / "graftline/scratch"))
        EXPECT_FALSE(entry.path().filename().string().starts_with("kept-")) << entry.path();
}

} // namespace
} // namespace graftline::test
