#include "graftline/effects/store/store.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

/// What one process does: takes whatever nobody has taken, and notes what it got. Never returns.
[[noreturn]] void claim_all(const fs::path& folder, const std::string& me, const fs::path& notes)
{
    int status = 1;
    try {
        store mine(folder);
        std::string got;
        for (const auto& seen : mine.tasks()) {
            bool taken = false;
            mine.change(seen.id, [&](task& now) {
                taken = now.owner.empty();
                if (taken) now.owner = me;
            });
            if (taken) got += seen.id + "\n";
        }
        FILE* out = std::fopen(notes.c_str(), "w");
        if (out && std::fputs(got.c_str(), out) >= 0 && std::fclose(out) == 0) status = 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s: %s\n", me.c_str(), e.what());
    }
    ::_exit(status);
}

void race_for(int tasks, int processes)
{
    std::string pattern = (fs::temp_directory_path() / "graftline-claim-XXXXXX").string();
    const fs::path place = ::mkdtemp(pattern.data());
    const auto folder = place / "graftline";
    {
        std::vector<task> all;
        for (int i = 0; i < tasks; ++i) {
            task t;
            t.id = std::to_string(100000 + i);
            all.push_back(t);
        }
        store(folder).add(all);
    }
    std::vector<pid_t> children;
    for (int p = 0; p < processes; ++p) {
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) claim_all(folder, "run-" + std::to_string(p), place / std::to_string(p));
        children.push_back(child);
    }
    for (const pid_t child : children) {
        int raw = 0;
        ASSERT_EQ(::waitpid(child, &raw, 0), child);
        EXPECT_TRUE(WIFEXITED(raw) && WEXITSTATUS(raw) == 0);
    }
    std::map<std::string, int> times;
    for (int p = 0; p < processes; ++p) {
        FILE* in = std::fopen((place / std::to_string(p)).c_str(), "r");
        ASSERT_TRUE(in);
        char line[64];
        while (std::fgets(line, sizeof line, in))
            ++times[line];
        std::fclose(in);
    }
    EXPECT_EQ(times.size(), static_cast<std::size_t>(tasks));
    for (const auto& [id, count] : times)
        EXPECT_EQ(count, 1) << id;
    fs::remove_all(place);
}

TEST(Claim, SixteenProcessesTakeEveryTaskOnce)
{
    race_for(100, 16);
}

TEST(ClaimSoak, SixtyFourProcessesTakeAThousandTasksOnceEach)
{
    race_for(1000, 64);
}

} // namespace
} // namespace graftline::effects
