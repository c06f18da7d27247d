// What durability costs: flushes and time for each task until it is completed, and for each landing. The rows
// of docs/performance.md: build/test_power --gtest_filter='*Cost*'
#include "tests/power/disk_history.hpp"
#include "tests/power/logged_disk.hpp"
#include "tests/power/power_lab.hpp"
#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cstdio>
#include <optional>
#include <vector>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

/// One step of a measurement: how many tasks it was for, and how long it took.
struct measured_step {
    std::string name;
    int tasks;
    double seconds;
};

class PowerCost : public testing::Test {
protected:
    void SetUp() override
    {
        if (const auto why = why_no_disk("ext4"); !why.empty()) GTEST_SKIP() << why;
        lab_.emplace();
    }

    /// Tasks one after the other and four at a time, then their landings one by one and together.
    template <class Mark> std::vector<measured_step> measure(const Mark& mark)
    {
        lab_->let_agents_take("0");
        std::vector<measured_step> steps;
        const auto step = [&](const char* name, int tasks, const std::vector<std::string>& words) {
            mark();
            const auto begin = clock::now();
            const auto ended = lab_->graftline(words);
            EXPECT_TRUE(ended.ok()) << ended.err;
            steps.push_back({name, tasks, std::chrono::duration<double>(clock::now() - begin).count()});
        };
        step("a task until it is completed, one at a time", 12, work("1", 1));
        step("a task until it is completed, four at a time", 12, work("4", 13));
        const auto first =
            lab_->must_git({"for-each-ref", "--count=1", "--format=%(refname:short)", "refs/heads/task"});
        step("a landing by itself", 1, {"land", first.substr(first.rfind('-') + 1)});
        step("a landing of 23 together", 23, {"land", "--all"});
        mark();
        return steps;
    }

    std::vector<std::string> work(const std::string& places, int from) const
    {
        std::vector<std::string> words{"run"};
        for (int i = from; i < from + 12; ++i)
            words.push_back("leaves " + std::to_string(i));
        words.insert(words.end(), {"--max", places, "--", lab_->agent()});
        return words;
    }

    /// On a disk whose flush takes this long.
    void on_logged_disk(const std::string& durability, std::chrono::microseconds flush_takes)
    {
        const auto image = lab_->folder() / "cost.img";
        const auto log = lab_->folder() / "cost.log";
        make_image(image, "ext4", std::uintmax_t{400} << 20);
        std::vector<measured_step> steps;
        {
            const mounted plain(image, lab_->disk_folder(), "ext4");
            lab_->make_repository(durability);
        }
        {
            const logged_disk disk(image, lab_->folder() / "served", log, flush_takes);
            const mounted logged(disk.file(), lab_->disk_folder(), "ext4");
            steps = measure([&] { disk.mark("step"); });
        }
        const disk_history history(image, log);
        const auto marks = history.marks();
        for (std::size_t i = 0; i < steps.size(); ++i)
            print(steps[i], durability, std::to_string(flush_takes.count() / 1000) + " ms a flush",
                  static_cast<double>(history.flushes_between(marks[i], marks[i + 1])));
    }

    void on_this_disk(const std::string& durability)
    {
        const temporary_folder place;
        fs::create_directories(lab_->disk_folder());
        ASSERT_EQ(::mount(place.path().c_str(), lab_->disk_folder().c_str(), nullptr, MS_BIND, nullptr), 0);
        lab_->make_repository(durability);
        for (const auto& step : measure([] {}))
            print(step, durability, "this disk", std::nullopt);
        ::umount2(lab_->disk_folder().c_str(), MNT_DETACH);
    }

    static void print(const measured_step& step, const std::string& durability, const std::string& where,
                      std::optional<double> flushes)
    {
        std::printf("| %s | %s | %s | ", step.name.c_str(), where.c_str(), durability.c_str());
        if (flushes) std::printf("%.1f", *flushes / step.tasks);
        std::printf(" | %.1f ms |\n", step.seconds * 1000 / step.tasks);
        std::fflush(stdout);
    }

    longer_hang_limit limit_{300s};
    std::optional<power_lab> lab_;
};

TEST_F(PowerCost, SoakOfEachTaskAndLanding)
{
    std::printf("| what | disk | durability | flushes | time |\n|---|---|---|---|---|\n");
    for (const char* durability : {"process", "power"}) {
        on_this_disk(durability);
        on_logged_disk(durability, 1ms);
        on_logged_disk(durability, 10ms);
    }
}

} // namespace
} // namespace graftline::test
