#include "tests/power/recorded_run.hpp"

#include <boost/json/parse.hpp>

#include "tests/support/hang_guard.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/test_repository.hpp"
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t disk_size = std::uintmax_t{400} << 20; // xfs wants at least 300 MiB
constexpr const char* ways[] = {"leaves", "commits", "both"};

std::string description_of(const run_shape& shape, int index)
{
    const auto* way = shape.gives_up && index % 2 ? "fails" : ways[index % 3];
    return std::string(way) + " " + std::to_string(index + 1);
}

bool is_promise(std::string_view line)
{
    constexpr std::string_view promises[] = {": completed", ": merged", ": failed", "ended: "};
    return std::ranges::any_of(promises, [&](auto p) { return line.find(p) != std::string_view::npos; });
}

std::string text_at(const boost::json::object& of, std::string_view key)
{
    const auto* value = of.if_contains(key);
    return value && value->is_string() ? std::string(value->as_string()) : "";
}

} // namespace

recorded_run::recorded_run(const power_lab& lab, run_shape shape)
    : lab_(lab), shape_(std::move(shape)), image_(lab.folder() / (shape_.name + ".img"))
{
    make_image(image_, shape_.file_system, disk_size);
    {
        const mounted plain(image_, lab.disk_folder(), shape_.file_system);
        base_ = lab.make_repository(shape_.durability);
    }
    record(words());
}

recorded_run::recorded_run(const power_lab& lab, const recorded_run& before, const power_cut& cut)
    : lab_(lab), shape_(before.shape()), base_(before.base()), said_earlier_(before.said_before(cut.at))
{
    shape_.name = "the resume of " + shape_.name;
    image_ = lab.folder() / (shape_.name + ".img");
    before.history().cut(cut.at, cut.which, cut.seed, image_);
    record({GRAFTLINE_PROGRAM, "resume"});
}

void recorded_run::record(const std::vector<std::string>& words)
{
    boot_ = lab_.boot();
    lab_.let_agents_take(shape_.length);
    {
        const logged_disk disk(image_, lab_.folder() / "served", log());
        const mounted logged(disk.file(), lab_.disk_folder(), shape_.file_system);
        carry_out(disk, words);
    }
    history_.emplace(image_, log());
    for (const auto at : history_->marks()) {
        if (history_->text_of_mark(at) == "begin") begin_ = at;
        if (history_->text_of_mark(at) == "end") end_ = at;
    }
    if (begin_ >= end_) throw std::runtime_error("the log of the disk has no end");
}

fs::path recorded_run::log() const
{
    return lab_.folder() / (shape_.name + ".log");
}

std::vector<std::string> recorded_run::words() const
{
    std::vector<std::string> all{GRAFTLINE_PROGRAM, "run"};
    for (int i = 0; i < shape_.tasks; ++i)
        all.push_back(description_of(shape_, i));
    all.insert(all.end(), {"--max", std::to_string(shape_.places), "--target", shape_.target});
    if (shape_.lands) all.push_back("--land");
    all.insert(all.end(), {"--", lab_.agent()});
    return all;
}

void recorded_run::carry_out(const logged_disk& disk, const std::vector<std::string>& words)
{
    disk.mark("begin");
    launch how;
    how.words = words;
    how.environment = current_environment();
    how.folder = lab_.top();
    how.err = disk.marks(); // what it says is in the log when it has said it
    asio::io_context io(1);
    const auto process = child::start(io.get_executor(), how).value();
    const int status = shell_code(run_here(io, process->wait()));
    if (status != (shape_.gives_up ? 1 : 0)) {
        disk.mark("end");
        auto what = "the run to be recorded ended with " + std::to_string(status) + ":";
        const disk_history so_far(image_, log());
        for (const auto at : so_far.marks())
            what += "\n" + so_far.text_of_mark(at);
        throw std::runtime_error(what);
    }
    note_tasks();
    if (shape_.gives_up) give_up(disk);
    disk.mark("end");
}

/// Work that no branch will hold any more goes to rescue refs.
void recorded_run::give_up(const logged_disk& disk)
{
    const auto end = [&](std::vector<std::string> command, const std::string& id) {
        const auto ended = lab_.graftline(command);
        if (command.front() != "retry" && !ended.ok())
            throw std::runtime_error(command.front() + ": " + ended.err);
        disk.mark("ended: " + command.front() + " " + id);
    };
    for (std::size_t i = 0; i + 2 < tasks_.size(); ++i) {
        const bool failed = tasks_[i].commit.empty();
        if (failed && i % 4 == 1)
            end({"retry", "--fresh", tasks_[i].id}, tasks_[i].id);
        else
            end({"discard", tasks_[i].id}, tasks_[i].id);
    }
    end({"clean", "--force"}, "");
}

void recorded_run::note_tasks()
{
    const auto status = boost::json::parse(lab_.graftline({"status", "--json"}).out);
    for (const auto& each : status.at("tasks").as_array()) {
        const auto& t = each.as_object();
        recorded_task task{
            text_at(t, "id"), text_at(t, "description"), text_at(t, "commit"), text_at(t, "landed"), {}};
        if (!task.landed.empty()) task.commit = lab_.must_git({"rev-parse", task.landed + "^2"});
        if (text_at(t, "state") == "failed") task.commit.clear();
        const auto all = task.commit.empty() ? files() : lab_.files_of(task.commit);
        for (const auto& path : paths_of(task.description)) {
            const auto text = task.commit.empty() ? contents_of(fs::path(text_at(t, "worktree")) / path)
                                                  : (all.contains(path) ? all.at(path) + "\n" : "");
            if (text.empty()) throw std::runtime_error(task.description + " has no " + path);
            task.made[path] = text.substr(0, text.size() - 1);
        }
        tasks_.push_back(std::move(task));
    }
    if (tasks_.size() != static_cast<std::size_t>(shape_.tasks))
        throw std::runtime_error("not all tasks are on record");
}

std::vector<std::size_t> recorded_run::after_what_was_said() const
{
    std::vector<std::size_t> all;
    for (const auto at : history_->marks())
        if (at > begin_ && at < end_ && is_promise(history_->text_of_mark(at))) all.push_back(at + 1);
    return all;
}

std::vector<std::string> recorded_run::said_before(std::size_t at) const
{
    auto all = said_earlier_;
    for (const auto mark : history_->marks())
        if (mark > begin_ && mark < at) all.push_back(history_->text_of_mark(mark));
    return all;
}

} // namespace graftline::test
