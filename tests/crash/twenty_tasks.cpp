#include "tests/crash/twenty_tasks.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "tests/support/hang_guard.hpp"
#include "tests/support/processes.hpp"
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <sstream>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view agent_text = R"(#!/bin/sh
# The description is "<kind> <number>". Run twice in one worktree it makes the same.
set -- $GRAFTLINE_TASK
keep() { git add -- "$1" && { git commit -q -m "work $1" >/dev/null 2>&1 || git diff --cached --quiet; }; }
name=$1-$2
case $1 in
both) echo "$name" >"$name-made.txt"; keep "$name-made.txt" || exit 9; echo "$name" >"$name-left.txt" ;;
commits) for i in 1 2; do echo "$name $i" >"$name-$i.txt"; keep "$name-$i.txt" || exit 9; done ;;
leaves) mkdir -p "$name"; echo "$name" >"$name/left.txt"; echo more >"$name/right.txt" ;;
early) echo "$name" >shared.txt; keep shared.txt || exit 9 ;;
late) until git log --format=%s main | grep -q "early $2"; do sleep 0.05; done
      echo "$name" >shared.txt; keep shared.txt || exit 9; echo "$name" >"$name-left.txt" ;;
fails) echo "$name" >"$name-made.txt"; keep "$name-made.txt" || exit 9; echo "$name" >"$name-left.txt"; exit 7 ;;
refused) echo "$name" >bad.txt; echo "$name" >"$name-left.txt" ;;
idle) ;;
esac
)";

const std::vector<std::string> kinds{
    "both",    "commits", "leaves", "early",   "leaves", "both",   "fails",   "commits", "late",   "both",
    "refused", "leaves",  "idle",   "commits", "both",   "leaves", "commits", "both",    "leaves", "commits"};

std::string description_of(std::size_t index)
{
    const auto& kind = kinds[index];
    return kind + (kind == "early" || kind == "late" ? " 4" : " " + std::to_string(index + 1));
}

std::string plan_text()
{
    boost::json::array tasks;
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        boost::json::object t{{"id", "t" + std::to_string(i + 1)}, {"description", description_of(i)}};
        if (i == 14 || i == 18) t["after"] = boost::json::array{"t1"};
        tasks.push_back(std::move(t));
    }
    return boost::json::serialize(boost::json::object{{"tasks", std::move(tasks)}});
}

/// What an agent leaves in the files that it makes: each can be searched for.
std::vector<std::string> files_of(const std::string& description)
{
    auto name = description;
    std::ranges::replace(name, ' ', '-');
    const auto kind = description.substr(0, description.find(' '));
    if (kind == "both" || kind == "fails") return {name + "-made.txt", name + "-left.txt"};
    if (kind == "commits") return {name + "-1.txt", name + "-2.txt"};
    if (kind == "leaves") return {name + "/left.txt", name + "/right.txt"};
    if (kind == "late") return {"shared.txt", name + "-left.txt"};
    if (kind == "refused") return {"bad.txt", name + "-left.txt"};
    return {};
}

std::vector<std::string> lines_of(const std::string& text)
{
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        if (!line.empty()) lines.push_back(line);
    return lines;
}

bool is_kept(const std::string& state)
{
    return state == "failed" || state == "conflicted";
}

} // namespace

std::string run_end::told() const
{
    std::string text = "tree " + tree + "\n";
    for (const auto& [task, state] : states)
        text += task + ": " + state + ", landed " +
                std::to_string(landings.contains(task) ? landings.at(task) : 0) +
                (reasons.contains(task) ? ": " + reasons.at(task) : "") + "\n";
    for (const auto& one : wrong)
        text += "WRONG: " + one + "\n";
    return text;
}

twenty_tasks::twenty_tasks()
{
    isolate_git();
    write_file(root() / "agent", agent_text);
    fs::permissions(root() / "agent", fs::perms::owner_all);
    write_file(plan(), plan_text());
    fs::create_directories(root() / "home");
    const auto top = root() / "base" / "repo";
    fs::create_directories(top);
    try_git(top, {"init", "-q", "-b", "main"});
    write_file(top / "greeting.txt", "hello\n");
    write_file(top / "shared.txt", "begin\n");
    try_git(top, {"add", "."});
    try_git(top, {"commit", "-q", "-m", "begin"});
}

one_run::one_run(const twenty_tasks& of) : of_(of)
{
    fs::copy(of.root() / "base", folder(), fs::copy_options::recursive);
    base_ = git({"rev-parse", "HEAD"});
}

std::string one_run::git(std::vector<std::string> words)
{
    return try_git(top(), std::move(words)).out;
}

bool one_run::dies_as_a_whole()
{
    const auto place = control_group::place(folder().filename().string());
    auto made = place ? control_group::make(*place) : std::nullopt;
    if (made) group_.emplace(std::move(*made));
    of_git_too_ = group_.has_value();
    return of_git_too_;
}

std::vector<std::string> one_run::first_words() const
{
    return {"run",
            "--from",
            of_.plan().string(),
            "--land",
            "--base",
            base_,
            "--gate",
            "test ! -e bad.txt",
            "--max",
            "4",
            "--",
            (of_.root() / "agent").string()};
}

program_end one_run::graftline(std::vector<std::string> words, std::vector<std::string> extra,
                               std::optional<std::chrono::milliseconds> kill_after)
{
    words.insert(words.begin(), GRAFTLINE_PROGRAM);
    return start(std::move(words), std::move(extra), kill_after);
}

program_end one_run::start(std::vector<std::string> words, std::vector<std::string> extra,
                           std::optional<std::chrono::milliseconds> kill_after)
{
    return start_and_kill(std::move(words), std::move(extra),
                          [&](child& process) { return kill_after && !process.ended_within(*kill_after); });
}

program_end one_run::killed_once(const std::function<bool()>& when, std::vector<std::string> words)
{
    words.insert(words.begin(), GRAFTLINE_PROGRAM);
    return start_and_kill(std::move(words), {}, [&](child& process) {
        bool ended = false;
        soon([&] { return when() || (ended = process.ended_within({})); });
        return !ended;
    });
}

program_end one_run::start_and_kill(std::vector<std::string> words, std::vector<std::string> extra,
                                    const kill_it& in_time)
{
    const auto out = folder() / "out.log";
    const auto err = folder() / "err.log";
    constexpr int afresh = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    launch how;
    how.words = std::move(words);
    how.environment = current_environment();
    std::erase_if(how.environment, [](const auto& e) { return e.starts_with("HOME="); });
    how.environment.push_back("HOME=" + (of_.root() / "home").string());
    how.environment.push_back("GRAFTLINE_TEST_MARK=" + folder().string()); // what is ours is known by it
    std::ranges::move(extra, std::back_inserter(how.environment));
    how.folder = top();
    how.out = ::open(out.c_str(), afresh, 0600);
    how.err = ::open(err.c_str(), afresh, 0600);
    if (group_) {
        const std::vector<std::string> enter{"sh", "-c", R"(echo 0 >"$0/cgroup.procs" && exec "$@")",
                                             group_->folder().string()};
        how.words.insert(how.words.begin(), enter.begin(), enter.end());
    }
    asio::io_context io(1);
    auto process = child::start(io.get_executor(), how).value();
    ::close(how.out);
    ::close(how.err);
    if (in_time(*process)) group_ ? group_->kill() : process->signal(SIGKILL);
    const int status = shell_code(run_here(io, process->wait()));
    if (status == 128 + SIGKILL && group_) group_->kill(); // it may have ended itself alone
    return {status, contents_of(out), contents_of(err)};
}

std::string one_run::last_record()
{
    const auto all = lines_of(graftline({"events", "--json"}).out);
    if (all.empty()) return {};
    const auto last = boost::json::parse(all.back());
    std::string text;
    for (const char* field : {"event", "kind", "path", "state", "attempt"})
        if (const auto* value = last.as_object().if_contains(field))
            text += boost::json::serialize(*value) + " ";
    return text;
}

run_end one_run::finish()
{
    group_.reset();
    run_end end;
    std::string last;
    for (int again = 0; again < 5; ++again) {
        const auto went_on = graftline({"resume"});
        last = went_on.err;
        if (last.find("there is no run to go on with") != std::string::npos) break;
        if (went_on.status != 0 && went_on.status != 1)
            end.wrong.push_back("resume ended with " + std::to_string(went_on.status) + ": " + last);
    }
    if (last.find("there is no run to go on with") == std::string::npos)
        end.wrong.push_back("there is always something to go on with: " + last);
    // Killed before the run was on record: nothing of it has begun.
    if (graftline({"status", "--json"}).out.find("\"description\"") == std::string::npos)
        graftline(first_words());
    if (const auto cleaned = graftline({"clean"}); cleaned.status != 0)
        end.wrong.push_back("clean ended with " + std::to_string(cleaned.status) + ": " + cleaned.err);
    look_at_tasks(end);
    look_for_lost_work(end);
    look_for_leftovers(end);
    return end;
}

void one_run::look_at_tasks(run_end& end)
{
    const auto status = graftline({"status", "--json"});
    boost::system::error_code failed;
    const auto document = boost::json::parse(status.out, failed);
    if (failed) {
        end.wrong.push_back("status: " + status.err);
        return;
    }
    std::map<std::string, std::string> described;
    for (const auto& t : document.at("tasks").as_array()) {
        const std::string description(t.at("description").as_string());
        if (!end.states.emplace(description, t.at("state").as_string()).second)
            end.wrong.push_back("twice a task: " + description);
        described[std::string(t.at("id").as_string())] = description;
        // Where the disk went away meanwhile, a worktree is not trusted: what lay in it is in a rescue.
        if (is_kept(end.states[description]) && t.at("worktree").is_null() &&
            !t.at("rescues").as_array().empty())
            end.rescued.insert(description);
        if (const auto& why = t.at("reason"); why.is_string() && !why.as_string().empty())
            end.reasons[description] = why.as_string();
    }
    for (const auto& id : lines_of(
             git({"log", "--first-parent", "--format=%(trailers:key=Task,valueonly)", base_ + "..main"})))
        ++end.landings[described.contains(id) ? described.at(id) : "unknown " + id];
    end.tree = git({"rev-parse", "main^{tree}"});
}

void one_run::look_for_lost_work(run_end& end)
{
    std::map<std::string, std::set<std::string>> files_in; // by ref
    for (const auto& ref :
         lines_of(git({"for-each-ref", "--format=%(refname)", "refs/heads", "refs/graftline"})))
        for (auto& file : lines_of(git({"ls-tree", "-r", "--name-only", ref})))
            files_in[ref].insert(std::move(file));
    for (const auto& [task, state] : end.states) {
        auto id_slug = task;
        std::ranges::replace(id_slug, ' ', '-');
        for (const auto& file : files_of(task)) {
            const auto has_it = [&](const auto& ref) {
                if (file == "shared.txt" && ref.first == "refs/heads/main") return false;
                return ref.second.contains(file);
            };
            bool found = files_in["refs/heads/main"].contains(file) && file != "shared.txt";
            if (!found && state != "merged") {
                found = std::ranges::any_of(files_in, has_it);
                std::error_code ignored;
                for (const auto& w : fs::directory_iterator(folder() / "repo.worktrees", ignored))
                    found |= w.path().filename().string().find(id_slug) != std::string::npos &&
                             fs::exists(w.path() / file);
            }
            if (!found) end.wrong.push_back("lost: " + file + " of " + task);
        }
    }
}

void one_run::look_for_leftovers(run_end& end)
{
    if (!soon([&] { return running_with(folder().string()) == 0; }))
        end.wrong.push_back("processes are left: " + std::to_string(running_with(folder().string())));
    const auto kept = static_cast<std::size_t>(
        std::ranges::count_if(end.states, [](const auto& t) { return is_kept(t.second); }));
    const auto worktrees = git({"worktree", "list"});
    if (lines_of(worktrees).size() != kept - end.rescued.size() + 1)
        end.wrong.push_back("worktrees: " + worktrees);
    const auto branches = git({"branch", "--list", "task/*"});
    if (lines_of(branches).size() != kept) end.wrong.push_back("branches: " + branches);
    for (const auto& ref : lines_of(git({"for-each-ref", "--format=%(refname)", "refs/graftline"})))
        if (!ref.starts_with("refs/graftline/rescue/")) end.wrong.push_back("ref: " + ref);
    std::error_code ignored;
    for (const auto& entry : fs::recursive_directory_iterator(top() / ".git", ignored)) {
        const auto name = entry.path().filename().string();
        const auto parent = entry.path().parent_path().filename().string();
        // What a git that was ended leaves of an object is git's own to remove, and does when it collects
        // garbage.
        const bool half_written = name.starts_with("tmp_") && !name.starts_with("tmp_obj_") && !of_git_too_;
        // Files that processes of ours lock stay, right in the folder of our state: nothing is locked by
        // them.
        const bool stale =
            (name.ends_with(".lock") && parent != "graftline") || half_written || parent == "scratch";
        if (stale) end.wrong.push_back("left: " + entry.path().string());
    }
    if (const auto dirty = git({"status", "--porcelain"}); !dirty.empty())
        end.wrong.push_back("main's checkout: " + dirty);
    const auto checked = try_git(top(), {"fsck", "--no-dangling"});
    if (!checked.ok || !lines_of(checked.out).empty())
        end.wrong.push_back("fsck: " + checked.out + checked.err);
}

std::vector<std::string> with_failing_writes(std::vector<std::string> how)
{
    how.push_back(std::string("LD_PRELOAD=") + GRAFTLINE_FAILING_WRITES);
    return how;
}

} // namespace graftline::test
