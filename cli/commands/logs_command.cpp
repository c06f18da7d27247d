#include "graftline/cli/commands/commands.hpp"
#include "graftline/cli/session/state_watch.hpp"
#include "graftline/cli/terminal/failure.hpp"
#include "graftline/cli/terminal/shown_text.hpp"
#include "graftline/runtime/async/scope.hpp"
#include "graftline/runtime/base/clock.hpp"
#include "graftline/runtime/files/follow.hpp"
#include "graftline/runtime/supervisor/supervised.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>

namespace graftline::cli {
namespace {

namespace fs = std::filesystem;
using effects::task;
using effects::task_state;

/// The folders of the present attempt, in order: one, or one for each stage since the task was last started.
std::vector<fs::path> present_attempt(const effects::project& in, const task& t)
{
    if (t.attempt.empty()) return {};
    if (t.spec.stages.empty()) return {t.attempt};
    const auto started = from_iso8601(t.started_at).value_or(utc_time{});
    std::vector<std::pair<int, fs::path>> numbered;
    std::error_code failed;
    for (fs::directory_iterator at(in.log_folder(t.id), failed), end; !failed && at != end;
         at.increment(failed)) {
        const int number = std::atoi(at->path().filename().c_str());
        const auto record = read_exit_record(at->path());
        const bool earlier = record && *record && (*record)->ended_at < started;
        if (number > 0 && !earlier) numbered.emplace_back(number, at->path());
    }
    std::ranges::sort(numbered);
    std::vector<fs::path> folders;
    for (auto& [number, folder] : numbered)
        folders.push_back(std::move(folder));
    return folders;
}

class printer {
public:
    printer(session& s, const logs_arguments& asked) : s_(s), asked_(asked), filter_(s.out().has_colors()) {}

    /// What is there now.
    awaitable<void> print_whole(fs::path folder)
    {
        follower file(co_await asio::this_coro::executor, file_in(folder));
        file.finish();
        if (auto failed = co_await print_all(file)) throw fault_error(*failed);
    }

    /// What is there and what comes, until the agent has ended.
    awaitable<void> print_to_end(fs::path folder)
    {
        const auto executor = co_await asio::this_coro::executor;
        follower file(executor, file_in(folder));
        scope beside(executor);
        beside.spawn(finish_with_agent(file, folder));
        const auto failed = co_await print_all(file);
        beside.cancel();
        co_await beside.join();
        if (failed) throw fault_error(*failed);
    }

    void end()
    {
        if (s_.out().is_terminal()) s_.print(filter_.end());
    }

private:
    fs::path file_in(const fs::path& folder) const
    {
        return folder / (asked_.errors ? "stderr.log" : "stdout.log");
    }

    awaitable<std::optional<fault>> print_all(follower& file)
    {
        while (s_.out().error() == 0) {
            const auto bytes = co_await file.read_some();
            if (!bytes) co_return bytes.error();
            if (bytes->empty()) break;
            print(*bytes);
        }
        co_return std::nullopt;
    }

    void print(std::string_view bytes)
    {
        s_.print_bytes(s_.out().is_terminal() ? filter_.feed(bytes) : std::string(bytes));
    }

    awaitable<void> finish_with_agent(follower& file, fs::path folder)
    {
        state_watch watch(co_await asio::this_coro::executor, folder);
        for (;;) {
            const auto record = read_exit_record(folder);
            if (record && *record) break;
            const auto identity = read_identity(folder);
            // Claimed, no record and nobody there: its supervisor was killed.
            if (identity && *identity && !is_alive(**identity)) break;
            co_await watch.change(std::chrono::seconds(1));
        }
        file.finish();
    }

    session& s_;
    const logs_arguments& asked_;
    text_filter filter_;
};

bool may_go_on(const effects::project& in, const task& t)
{
    return (t.state == task_state::running || t.state == task_state::pending) &&
           effects::run::is_alive(in, t.run);
}

awaitable<void> follow(effects::project& in, std::string id, printer& shown)
{
    std::set<fs::path> seen;
    state_watch watch(co_await asio::this_coro::executor, in.state_folder());
    for (;;) {
        const auto found = co_await in.must_store([&](effects::store& st) { return st.find(id); });
        for (const auto& folder : present_attempt(in, *found))
            if (seen.insert(folder).second) co_await shown.print_to_end(folder);
        const auto now = co_await in.must_store([&](effects::store& st) { return st.find(id); });
        if (now->attempt == found->attempt && !may_go_on(in, *now)) co_return;
        co_await watch.change(std::chrono::seconds(1));
    }
}

} // namespace

awaitable<int> carry_out(session& s, logs_arguments asked)
{
    auto in = co_await s.open_to_read();
    const auto t = co_await s.find(*in, asked.task);
    printer shown(s, asked);
    if (asked.follow) {
        co_await follow(*in, t.id, shown);
    } else {
        const auto folders = present_attempt(*in, t);
        if (folders.empty()) s.err().write("graftline: task " + t.id + " has not started an agent yet\n");
        for (const auto& folder : folders)
            co_await shown.print_whole(folder);
    }
    shown.end();
    co_return exit_status::done;
}

} // namespace graftline::cli
