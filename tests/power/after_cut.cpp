#include "tests/power/after_cut.hpp"

#include <boost/json/parse.hpp>

#include "tests/support/processes.hpp"
#include "tests/support/test_repository.hpp"
#include <fmt/format.h>

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> lines_of(const std::string& text)
{
    std::vector<std::string> all;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        if (!line.empty()) all.push_back(line);
    return all;
}

/// Its beginning and its end.
std::string short_of(std::string text)
{
    std::ranges::replace(text, '\n', '|');
    constexpr std::size_t enough = 1500;
    return text.size() <= 2 * enough ? text
                                     : text.substr(0, enough) + " ... " + text.substr(text.size() - enough);
}

/// The look at one machine that has been started again.
class inspection {
public:
    inspection(const power_lab& lab, const recorded_run& run, std::size_t at);
    std::vector<std::string> all_that_is_wrong() &&;

private:
    void look_at_what_was_said();
    void look_at_status();
    bool go_on();
    void look_at_the_target();
    void look_at_the_checkout();
    void look_at_the_repository();
    void look_at_work_that_was_given_up();

    bool was_said(const recorded_task& task, const std::string& state) const;
    bool was_kept(const recorded_task& task) const; ///< it must not be done again
    bool is_whole(const recorded_task& task) const; ///< its commit; other tasks' refs may be damaged yet
    std::set<std::string> all_work() const;
    void expect_work(const recorded_task& task, const std::set<std::string>& work, const char* when);
    template <class... A> void complain(fmt::format_string<A...> how, A&&... arguments)
    {
        wrong_.push_back(fmt::format(how, std::forward<A>(arguments)...));
    }

    const power_lab& lab_;
    const recorded_run& run_;
    std::vector<std::string> said_;
    std::vector<std::string> wrong_;
};

inspection::inspection(const power_lab& lab, const recorded_run& run, std::size_t at)
    : lab_(lab), run_(run), said_(run.said_before(at))
{
}

bool inspection::was_said(const recorded_task& task, const std::string& state) const
{
    return std::ranges::any_of(said_,
                               [&](const auto& line) { return line.starts_with(task.id + ": " + state); });
}

bool inspection::was_kept(const recorded_task& task) const
{
    return was_said(task, "completed") || was_said(task, "merged");
}

bool inspection::is_whole(const recorded_task& task) const
{
    if (!lab_.git({"rev-list", "--objects", task.commit})) return false;
    const auto there = lab_.files_of(task.commit);
    return std::ranges::all_of(task.made, [&](const auto& file) {
        return there.contains(file.first) && there.at(file.first) == file.second;
    });
}

/// "path:line" of everything that a ref or a worktree holds.
std::set<std::string> inspection::all_work() const
{
    std::set<std::string> work;
    for (const auto& ref : lines_of(lab_.git({"for-each-ref", "--format=%(refname)"}).value_or("")))
        for (const auto& [path, line] : lab_.files_of(ref))
            work.insert(path + ":" + line);
    std::error_code ignored;
    for (const auto& worktree : fs::directory_iterator(lab_.disk_folder() / "repo.worktrees", ignored))
        for (const auto& task : run_.tasks())
            for (const auto& path : paths_of(task.description))
                if (const auto text = contents_of(worktree.path() / path); text.ends_with('\n'))
                    work.insert(path + ":" + text.substr(0, text.size() - 1));
    return work;
}

void inspection::expect_work(const recorded_task& task, const std::set<std::string>& work, const char* when)
{
    for (const auto& [path, line] : task.made)
        if (!work.contains(path + ":" + line)) complain("lost {}: {} of {}", when, path, task.description);
}

/// Before any command of ours has run.
void inspection::look_at_what_was_said()
{
    const auto work = run_.shape().gives_up ? all_work() : std::set<std::string>();
    for (const auto& task : run_.tasks()) {
        if (was_said(task, "merged") && !task.landed.empty() &&
            !lab_.git({"merge-base", "--is-ancestor", task.landed, run_.shape().target}))
            complain("lost: the landing of {}", task.description);
        if (was_kept(task) && !is_whole(task)) complain("lost: the commit of {}", task.description);
        if (was_said(task, "failed")) expect_work(task, work, "at once");
    }
    // What nothing had been said of may be damaged; a damaged pack is in the way of everything else.
    const auto checked = try_git(lab_.top(), {"fsck", "--full", "--no-dangling"});
    for (const auto& line : lines_of(checked.out + checked.err))
        if (line.find("/pack/") != std::string::npos) complain("unread: fsck before: {}", line);
}

void inspection::look_at_status()
{
    const auto status = lab_.graftline({"status", "--json"});
    boost::system::error_code failed;
    const auto document = boost::json::parse(status.out, failed);
    if (failed || !status.ok()) return complain("unread: status: {}", short_of(status.err));
    if (run_.shape().gives_up) return; // some are discarded
    std::map<std::string, std::string> states;
    for (const auto& t : document.at("tasks").as_array())
        states[std::string(t.at("id").as_string())] = t.at("state").as_string();
    for (const auto& task : run_.tasks()) {
        const auto& state = states[task.id];
        if (was_said(task, "merged") && state != "merged")
            complain("lost: {} is {}", task.description, state);
        else if (was_kept(task) && state != "completed" && state != "merged")
            complain("lost: {} is {}", task.description, state);
    }
}

/// Until nothing is interrupted and all has landed. False when there was no run yet.
bool inspection::go_on()
{
    const auto resumed = lab_.graftline({"resume"});
    const bool nothing = resumed.err.find("there is no run to go on with") != std::string::npos;
    const bool some_fail = run_.shape().gives_up && shell_code(resumed.status) == 1;
    if (!resumed.ok() && !nothing && !some_fail) complain("unfinished: resume: {}", short_of(resumed.err));
    if (nothing && lab_.graftline({"status", "--json"}).out.find("\"description\"") == std::string::npos) {
        if (!said_.empty()) complain("lost: the run, after '{}'", said_.back());
        return false;
    }
    if (run_.shape().lands || run_.shape().gives_up) return true;
    const auto landed = lab_.graftline({"land", "--all"});
    if (!landed.ok()) complain("unfinished: land --all: {}", short_of(landed.err));
    return true;
}

void inspection::look_at_the_target()
{
    const auto found = lab_.files_of(run_.shape().target);
    auto expected = run_.base();
    static const std::regex number("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    for (const auto& task : run_.tasks()) {
        const auto first = paths_of(task.description).front();
        const auto kept = task.made.at(first).substr(first.size());
        auto made = found.contains(first)
                        ? found.at(first).substr(std::min(first.size(), found.at(first).size()))
                        : "";
        if (made.empty())
            complain("unfinished: {} has not landed", task.description);
        else if (!std::regex_match(made.substr(1), number))
            complain("emptied: {} is '{}'", first, made);
        else if (was_kept(task) && made != kept)
            complain("lost: {} was done again", task.description);
        if (made.empty()) continue;
        for (const auto& path : paths_of(task.description))
            expected[path] = path + made;
    }
    for (const auto& [path, line] : expected)
        if (!found.contains(path))
            complain("emptied: {} is empty or gone on the target", path);
        else if (found.at(path) != line)
            complain("emptied: {} is '{}' on the target", path, found.at(path));
    for (const auto& [path, line] : found)
        if (!expected.contains(path)) complain("left: {} on the target", path);
}

void inspection::look_at_the_checkout()
{
    const auto dirty = lab_.git({"status", "--porcelain"});
    if (!dirty || !dirty->empty())
        complain("emptied: the checkout: {}", short_of(dirty.value_or("no status")));
    else if (lab_.checked_out() != lab_.files_of("HEAD"))
        complain("emptied: the checkout is not what HEAD is");
}

void inspection::look_at_the_repository()
{
    const auto cleaned = lab_.graftline({"clean"});
    if (!cleaned.ok()) complain("unfinished: clean: {}", short_of(cleaned.err));
    const auto checked = try_git(lab_.top(), {"fsck", "--full", "--no-dangling"});
    if (!checked.ok || !checked.out.empty())
        complain("unread: fsck: {}", short_of(checked.out + checked.err));
    const auto worktrees = lines_of(lab_.git({"worktree", "list"}).value_or(""));
    if (!run_.shape().gives_up && worktrees.size() != 1) complain("left: {} worktrees", worktrees.size() - 1);
}

/// Retried, discarded or cleaned away: a ref has it.
void inspection::look_at_work_that_was_given_up()
{
    const auto work = all_work();
    for (const auto& task : run_.tasks())
        if (was_kept(task) || was_said(task, "failed")) expect_work(task, work, "in the end");
}

std::vector<std::string> inspection::all_that_is_wrong() &&
{
    look_at_what_was_said();
    if (said_.size() % 2 == 0) look_at_status(); // or resume is the first to see the machine after the cut
    if (go_on()) {
        look_at_status();
        run_.shape().gives_up ? look_at_work_that_was_given_up() : look_at_the_target();
    }
    look_at_the_checkout();
    look_at_the_repository();
    return std::move(wrong_);
}

} // namespace

std::vector<std::string> wrong_after(const power_lab& lab, const recorded_run& run, const power_cut& cut)
{
    const auto image = lab.folder() / "cut.img";
    run.history().cut(cut.at, cut.which, cut.seed, image);
    if (cut.of_disk_alone)
        lab.go_on_in(run.boot());
    else
        lab.boot();
    lab.let_agents_take("0");
    try {
        const mounted disk(image, lab.disk_folder(), run.shape().file_system);
        return inspection(lab, run, cut.at).all_that_is_wrong();
    } catch (const std::exception& e) {
        return {std::string("unread: ") + e.what()};
    }
}

} // namespace graftline::test
