// What durability costs: flushes (F) and time for each task until it is completed, and for each landing,
// beside git by hand. The rows of docs/performance.md: build/test_power --gtest_filter='*Cost*'
#include "tests/power/disk_history.hpp"
#include "tests/power/logged_disk.hpp"
#include "tests/power/power_lab.hpp"
#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cstdio>
#include <optional>
#include <sstream>
#include <vector>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

/// Who does the work, and how much of it is brought to the disk.
struct way {
    const char* name;
    const char* durability; ///< none: by hand, with git alone
    const char* options;    ///< of git by hand
};
constexpr way ways[] = {{"power", "power", ""},
                        {"process", "process", ""},
                        {"git, core.fsync=all", nullptr, "-c core.fsync=all"},
                        {"git", nullptr, ""}};

/// One step of a measurement: how many tasks it was for, how long it took, and what it flushed.
struct measured_step {
    std::string name;
    int tasks;
    double seconds;
    std::optional<std::size_t> flushes;
    double time_of_one() const { return seconds * 1000 / tasks; }
};

class PowerCost : public testing::Test {
protected:
    void SetUp() override
    {
        if (const auto why = why_no_disk("ext4"); !why.empty()) GTEST_SKIP() << why;
        lab_.emplace();
    }

    /// Tasks one after the other and four at a time, then their landings one by one and together. Two gits by
    /// hand at a time fail on each other's locks, so those are one after the other.
    template <class Mark> std::vector<measured_step> measure(const way& how, const Mark& mark)
    {
        lab_->let_agents_take("0");
        std::vector<measured_step> steps;
        const auto step = [&](const char* name, int tasks, const auto& act) {
            mark();
            const auto begin = clock::now();
            const command_output ended = act();
            EXPECT_TRUE(ended.ok()) << ended.err;
            steps.push_back({name, tasks, std::chrono::duration<double>(clock::now() - begin).count(), {}});
        };
        step("a task until it is completed, one at a time", 12, [&] { return work(how, "1", 1); });
        step("a task until it is completed, four at a time", 12, [&] { return work(how, "4", 13); });
        const auto first =
            lab_->must_git({"for-each-ref", "--count=1", "--format=%(refname:short)", "refs/heads/task"});
        step("a landing by itself", 1, [&] { return land(how, {first}); });
        step("a landing of 23 together", 23, [&] { return land(how, branches()); });
        mark();
        return steps;
    }

    std::vector<std::string> branches() const
    {
        std::istringstream lines(
            lab_->must_git({"for-each-ref", "--format=%(refname:short)", "refs/heads/task"}));
        std::vector<std::string> all;
        for (std::string line; std::getline(lines, line);)
            all.push_back(line);
        return all;
    }

    command_output work(const way& how, const std::string& places, int from) const
    {
        std::vector<std::string> tasks;
        for (int i = from; i < from + 12; ++i)
            tasks.push_back("leaves " + std::to_string(i));
        if (!how.durability)
            return by_hand(how, tasks, R"(
                name=task/$(echo "$task" | tr ' ' -)
                $git worktree add -q -b "$name" "../hand/$name"
                (cd "../hand/$name" && GRAFTLINE_TASK=$task "$agent" && $git add -A && $git commit -q -m "$task"))");
        tasks.insert(tasks.begin(), "run");
        tasks.insert(tasks.end(), {"--max", places, "--", lab_->agent()});
        return lab_->graftline(tasks);
    }

    /// With graftline: one by its id, or all that there are.
    command_output land(const way& how, const std::vector<std::string>& names) const
    {
        if (!how.durability)
            return by_hand(how, names, R"(
                $git merge -q --no-ff -m "$task" "$task"
                $git worktree remove "../hand/$task"
                $git branch -q -d "$task")");
        const auto& one = names.front();
        return lab_->graftline({"land", names.size() > 1 ? "--all" : one.substr(one.rfind('-') + 1)});
    }

    command_output by_hand(const way& how, const std::vector<std::string>& tasks, const char* body) const
    {
        std::vector<std::string> words{
            "sh",
            "-ec",
            "git=\"git $1\" agent=$2; shift 2; for task; do " + std::string(body) + "\ndone",
            "sh",
            how.options,
            lab_->agent()};
        words.insert(words.end(), tasks.begin(), tasks.end());
        return run_here(run(lab_->prepared(words))).value();
    }

    /// On a disk whose flush takes this long.
    std::vector<measured_step> on_logged_disk(const way& how, std::chrono::microseconds flush_takes)
    {
        const auto image = lab_->folder() / "cost.img";
        const auto log = lab_->folder() / "cost.log";
        make_image(image, "ext4", std::uintmax_t{400} << 20);
        std::vector<measured_step> steps;
        {
            const mounted plain(image, lab_->disk_folder(), "ext4");
            lab_->make_repository(how.durability ? how.durability : "");
        }
        {
            const logged_disk disk(image, lab_->folder() / "served", log, flush_takes);
            const mounted logged(disk.file(), lab_->disk_folder(), "ext4");
            steps = measure(how, [&] { disk.mark("step"); });
        }
        const disk_history history(image, log);
        const auto marks = history.marks();
        for (std::size_t i = 0; i < steps.size(); ++i)
            steps[i].flushes = history.flushes_between(marks[i], marks[i + 1]);
        return steps;
    }

    std::vector<measured_step> on_this_disk(const way& how)
    {
        const temporary_folder place;
        fs::create_directories(lab_->disk_folder());
        EXPECT_EQ(::mount(place.path().c_str(), lab_->disk_folder().c_str(), nullptr, MS_BIND, nullptr), 0);
        lab_->make_repository(how.durability ? how.durability : "");
        auto steps = measure(how, [] {});
        ::umount2(lab_->disk_folder().c_str(), MNT_DETACH);
        return steps;
    }

    /// Flushes and time of each way, and how many times as long `power` takes as the others.
    template <class Measure> static void print(const char* disk, const Measure& measured_by)
    {
        std::vector<std::vector<measured_step>> all;
        for (const auto& how : ways)
            all.push_back(measured_by(how));
        for (std::size_t i = 0; i < all[0].size(); ++i) {
            std::printf("| %s | %s |", all[0][i].name.c_str(), disk);
            for (const auto& steps : all) {
                const auto& step = steps[i];
                if (step.flushes) std::printf(" %.1f F,", static_cast<double>(*step.flushes) / step.tasks);
                std::printf(" %.1f ms |", step.time_of_one());
            }
            for (std::size_t other = 1; other < all.size(); ++other)
                std::printf("%s %.2f x", other > 1 ? "," : "",
                            all[0][i].time_of_one() / all[other][i].time_of_one());
            std::printf(" |\n");
        }
        std::fflush(stdout);
    }

    longer_hang_limit limit_{300s};
    std::optional<power_lab> lab_;
};

TEST_F(PowerCost, SoakOfEachTaskAndLanding)
{
    std::printf("| what | disk |");
    for (const auto& how : ways)
        std::printf(" %s |", how.name);
    std::printf(" power against the others |\n|---|---|---|---|---|---|---|\n");
    print("this disk", [&](const way& how) { return on_this_disk(how); });
    print("1 ms a flush", [&](const way& how) { return on_logged_disk(how, 1ms); });
    print("10 ms a flush", [&](const way& how) { return on_logged_disk(how, 10ms); });
}

} // namespace
} // namespace graftline::test
