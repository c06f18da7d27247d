// What a command costs must not depend on how much else there is.
#include "graftline/effects/store/store.hpp"
#include "graftline/effects/store/views.hpp"

#include "tests/cli/program.hpp"
#include "tests/support/built.hpp"
#include "tests/support/hang_guard.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <map>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::vector<std::string> one_task{"run", "One", "--land", "--", "sh", "-c", "echo one > one.txt"};

fs::path state_folder(const desk& d)
{
    return d.repository.git_folder() / "graftline";
}

/// Tasks that were carried out long ago, as the store has them.
void add_old_tasks(const desk& d, std::size_t count)
{
    effects::store store(state_folder(d));
    std::vector<effects::task> tasks(count);
    for (std::size_t i = 0; i < count; ++i) {
        tasks[i].id = "old" + std::to_string(100'000 + i);
        tasks[i].state = effects::task_state::merged;
        tasks[i].created_at = effects::now_text();
    }
    store.add(tasks);
    effects::write_views(store, state_folder(d));
}

void spoil_old_tasks(const desk& d)
{
    effects::database(state_folder(d) / "state.db")
        .execute("UPDATE tasks SET record = 'not to be read' WHERE id LIKE 'old%'");
}

/// From the reading of the plan to the views at the end: a row that was read would be corrupt.
void expect_to_read_no_other_task(std::size_t others)
{
    desk d;
    for (int i = 0; i < 2; ++i) // the first after a restart looks at all of them
        ASSERT_EQ(d.graftline(one_task).status, 0);
    add_old_tasks(d, others);
    spoil_old_tasks(d);
    const auto answer = d.graftline({"run", "Two", "--land", "--", "sh", "-c", "echo two > two.txt"});
    EXPECT_EQ(answer.status, 0) << answer.err;
    EXPECT_THAT(answer.out, HasSubstr("1 merged"));
    EXPECT_EQ(d.repository.git("show", "main:two.txt"), "two");
    std::size_t set_aside = 0;
    for (const auto& entry : fs::directory_iterator(state_folder(d)))
        set_aside += entry.path().filename().string().find("corrupt") != std::string::npos;
    EXPECT_EQ(set_aside, 0u) << "no command has met a row that it did not need: " << answer.err;
}

TEST(growth, a_run_reads_no_task_but_its_own)
{
    expect_to_read_no_other_task(20);
}

TEST(growthSoak, a_run_reads_none_of_a_thousand_tasks)
{
    expect_to_read_no_other_task(1000);
}

/// Counts how often files in folders are opened, by whatever process.
class opening_counter {
public:
    explicit opening_counter(const fs::path& folders) : events_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC))
    {
        for (const auto& folder : fs::directory_iterator(folders))
            ::inotify_add_watch(events_, folder.path().c_str(), IN_OPEN);
    }
    ~opening_counter() { ::close(events_); }
    opening_counter(const opening_counter&) = delete;
    opening_counter& operator=(const opening_counter&) = delete;

    /// Since the last time; by the names of the files.
    std::map<std::string, std::size_t> counted()
    {
        std::map<std::string, std::size_t> counts;
        alignas(inotify_event) char bytes[64 * 1024];
        for (ssize_t got = 0; (got = ::read(events_, bytes, sizeof bytes)) > 0;)
            for (const char* at = bytes; at < bytes + got;) {
                const auto* event = reinterpret_cast<const inotify_event*>(at);
                if ((event->mask & IN_Q_OVERFLOW) != 0) ADD_FAILURE() << "more events than the queue holds";
                if ((event->mask & IN_ISDIR) == 0 && event->len > 0) ++counts[event->name];
                at += sizeof *event + event->len;
            }
        return counts;
    }

private:
    int events_;
};

void add_worktrees(const desk& d, std::size_t count)
{
    for (std::size_t i = 0; i < count; ++i)
        d.repository.git("worktree", "add", "-q", "--detach", "--no-checkout",
                         (d.repository.root() / "others" / std::to_string(i)).string());
}

/// Each of the others may be opened as often as one command of git that lists them does it a few times.
void expect_to_open_little_of(std::size_t worktrees)
{
    desk d;
    ASSERT_EQ(d.graftline(one_task).status, 0);
    add_worktrees(d, worktrees);
    opening_counter counter(d.repository.git_folder() / "worktrees");
    const auto answer = d.graftline({"run", "Two", "--land", "--", "sh", "-c", "echo two > two.txt"});
    EXPECT_EQ(answer.status, 0) << answer.err;
    std::size_t all = 0;
    std::string of_what;
    for (const auto& [name, count] : counter.counted()) {
        all += count;
        of_what += name + " " + std::to_string(count) + ", ";
    }
    EXPECT_GT(all, 0u) << "git looks into them";
    EXPECT_LE(all, worktrees * 20) << of_what;
}

TEST(growth, a_task_opens_little_of_other_worktrees)
{
    expect_to_open_little_of(12);
}

TEST(growthSoak, a_task_opens_little_of_hundreds_of_worktrees)
{
    expect_to_open_little_of(500);
}

/// The executable, with a limit of open files that it cannot raise.
said with_descriptors(desk& d, int limit, const std::vector<std::string>& words)
{
    command limited("sh");
    limited.args("-c", "ulimit -n " + std::to_string(limit) + " && exec \"$0\" \"$@\"", built_program());
    for (const auto& word : words)
        limited.add(word);
    limited.in(d.repository.top())
        .set("HOME", (d.repository.root() / "home").string())
        .unset("XDG_CONFIG_HOME")
        .unset("NO_COLOR");
    const auto output = run_here(run(limited)).value();
    return {shell_code(output.status), output.out, output.err};
}

TEST(growth, agents_wait_where_there_are_too_few_descriptors_for_all_at_once)
{
    desk d;
    std::vector<std::string> words{"run"};
    for (int i = 0; i < 40; ++i)
        words.push_back("Task " + std::to_string(i));
    words.insert(words.end(), {"--max", "40", "--", "sh", "-c", "sleep 1; echo x > $GRAFTLINE_TASK_ID.txt"});
    const auto answer = with_descriptors(d, 160, words);
    EXPECT_EQ(answer.status, 0) << answer.err;
    EXPECT_THAT(answer.err, HasSubstr("tasks are carried out at once: only "));
    EXPECT_THAT(answer.out, HasSubstr("40 completed"));
}

/// A plan whose globs take longer to compare than any test may.
std::string endless_plan()
{
    std::string text;
    for (int i = 0; i < 400; ++i) {
        std::string glob;
        while (glob.size() < 1000)
            glob += "**/a*/";
        text += (text.empty() ? "{\"tasks\": [" : ",") +
                ("{\"description\": \"T\", \"files\": [\"" + glob + std::to_string(i) + "?\"]}");
    }
    return text + "]}";
}

TEST(growth, an_interruption_is_heard_while_a_plan_is_put_in_order)
{
    desk d;
    const auto plan = d.repository.root() / "plan.json";
    write_file(plan, endless_plan());
    asio::io_context io(1);
    const auto prepared =
        d.prepared(d.repository.top(), {"run", "--from", plan.string(), "--dry-run", "--", "true"});
    launch how;
    how.words = prepared.words();
    how.environment = prepared.environment();
    how.folder = prepared.folder();
    auto started = child::start(io.get_executor(), how);
    ASSERT_TRUE(started.has_value());
    const auto works = [&] {
        std::ifstream stat("/proc/" + std::to_string((*started)->pid()) + "/stat");
        std::string field;
        for (int i = 0; i < 14; ++i)
            stat >> field; // the 14th: ticks of the processor's time
        return std::strtol(field.c_str(), nullptr, 10) > 100;
    };
    EXPECT_TRUE(eventually(works));
    (*started)->signal(SIGINT);
    EXPECT_EQ(shell_code(run_here(io, (*started)->wait())), 130);
}

} // namespace
} // namespace graftline::test
