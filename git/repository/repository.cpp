#include "graftline/git/repository/repository.hpp"

#include "graftline/git/repository/environment.hpp"
#include "graftline/git/repository/failure_words.hpp"
#include "graftline/git/repository/git_files.hpp"
#include "graftline/git/repository/libgit2.hpp"
#include "graftline/git/repository/overdue.hpp"
#include "graftline/git/repository/path_answers.hpp"
#include "graftline/git/repository/patience.hpp"
#include "graftline/git/repository/state_folder.hpp"
#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/async/parallel.hpp"
#include "graftline/runtime/base/utf8.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

std::string without_last_newline(std::string text)
{
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

/// A git command for discovery: the one place where an inherited GIT_DIR counts.
command discovering(const fs::path& start)
{
    command git("git");
    prepare_own_call(git);
    git.take_at_most(default_git_time);
    for (const char* name : {"GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR"})
        if (const char* inherited = std::getenv(name)) git.set(name, inherited);
    git.in(start);
    return git;
}

/// Asks git two things at once: what it is, and what repository `start` belongs to.
awaitable<std::vector<result<command_output>>> ask_both(fs::path start)
{
    std::vector<awaitable<result<command_output>>> questions;
    questions.push_back(run_git(discovering(start).args("version")));
    // The top comes last: without a work tree git prints what goes before, and then fails.
    questions.push_back(run_git(discovering(start).args(
        "rev-parse", "--path-format=absolute", "--git-dir", next_answer, "--git-common-dir", next_answer,
        "--is-inside-work-tree", next_answer, "--show-toplevel")));
    auto outcomes = co_await parallel::all(std::move(questions));
    std::vector<result<command_output>> answers;
    for (auto& each : outcomes)
        answers.push_back(std::move(each.value()));
    co_return answers;
}

result<git_version> usable_git(const result<command_output>& answer)
{
    if (!answer) {
        fault f(errc::unusable, "git cannot be run");
        return std::move(f)
            .with("cause", answer.error().message())
            .advise("Install git, at least version " + oldest_git.text() + ".");
    }
    auto version = parse_git_version(answer->out);
    if (version && *version < oldest_git) {
        fault f(errc::unusable,
                "git is too old: " + oldest_git.text() + " or newer is needed, found " + version->text());
        return std::move(f).advise("Install a newer git.");
    }
    return version;
}

/// What git's refusal to open a repository means to a user.
fault not_usable(const fs::path& start, const std::string& words)
{
    const auto says = [&](std::string_view part) { return words.find(part) != words.npos; };
    if (says("not a git repository"))
        return fault(errc::unusable, "there is no git repository here")
            .with("folder", start.string())
            .advise("Run it inside a repository, or name one with -C DIR.");
    if (says("dubious ownership") || says("unsafe repository"))
        return fault(errc::unusable, "git does not trust this repository: somebody else owns it")
            .with("git says", words);
    if (says("repository extension") || says("repo version") || says("unknown repository"))
        return fault(errc::unsupported, "this git is too old for the repository's format")
            .with("folder", start.string())
            .with("git says", words)
            .advise("Install a newer git.");
    return fault(errc::unusable, "the git repository is not usable")
        .with("folder", start.string())
        .with("git says", words);
}

} // namespace

repository::repository(asio::any_io_executor executor, fs::path git_dir, fs::path common_dir)
    : executor_(std::move(executor)), git_dir_(std::move(git_dir)), common_dir_(std::move(common_dir)),
      disk_(executor_)
{
}

repository::~repository() = default;

awaitable<result<std::shared_ptr<repository>>> repository::discover(fs::path start)
{
    std::error_code failed;
    if (!fs::is_directory(start, failed))
        co_return fault(errc::unusable, "there is no such folder").with("folder", start.string());
    if (auto safe = check_git_files(start); !safe) co_return safe.error();
    const auto answers = co_await ask_both(start);
    auto version = usable_git(answers[0]);
    if (!version) co_return version.error();
    const result<command_output>& output = answers[1];
    if (!output) co_return output.error();
    const std::vector<std::string> lines = answers_of(output->out);
    const bool inside = lines.size() == 4 && output->ok(); // or GIT_WORK_TREE named one elsewhere
    const bool outside = lines.size() == 4 && lines[2] == "false";
    if (!inside && !outside) co_return not_usable(start, without_last_newline(output->err));

    const auto executor = co_await asio::this_coro::executor;
    std::shared_ptr<repository> repo(
        new repository(executor, fs::canonical(lines[0]), fs::canonical(lines[1])));
    if (inside) repo->here_ = fs::path(lines[3]);
    auto found = co_await find_capability(*repo, *version);
    if (!found) co_return found.error();
    repo->can_ = std::move(*found);
    repo->find_main_work_tree();
    auto look = [&repo]() -> result<void> {
        for (const auto& top : {repo->here_, repo->main_work_tree_})
            if (auto safe = top ? check_rules_in_tree(*top) : result<void>(); !safe) return safe;
        return check_listed_files(repo->git_dir_);
    };
    if (auto safe = co_await offload(std::move(look)); !safe) co_return safe.error();
    co_return repo;
}

void repository::find_main_work_tree()
{
    if (here_ && git_dir_ == common_dir_)
        main_work_tree_ = here_;
    else if (can_.bare)
        main_work_tree_ = std::nullopt;
    else if (!can_.work_tree.empty())
        main_work_tree_ = fs::weakly_canonical(common_dir_ / can_.work_tree);
    else if (common_dir_.filename() == ".git")
        main_work_tree_ = common_dir_.parent_path();
    // Else git does not know it: the folder was made apart from it (git init --separate-git-dir).
    if (main_work_tree_) can_.bare = false;
}

std::string repository::name() const
{
    if (main_work_tree_) return main_work_tree_->filename().string();
    // A bare one: "project.git", or a hidden folder of the project ("project/.git", "project/.bare").
    const fs::path folder = common_dir_.filename();
    if (folder.string().starts_with('.')) return common_dir_.parent_path().filename().string();
    return folder.extension() == ".git" ? folder.stem().string() : folder.string();
}

repository_lock& repository::lock()
{
    if (!lock_) {
        make_state_folder(state_folder()); // what is wrong with it is said when the lock is taken
        lock_ = std::make_unique<repository_lock>(executor_, state_folder() / "lock");
    }
    return *lock_;
}

void repository::set_durability(durability of_landings)
{
    durability_ = of_landings;
    direct_.reset();
}

awaitable<result<void>> repository::flush(fs::path worktree)
{
    if (durability_ == durability::process) co_return result<void>();
    std::vector<fs::path> places;
    places.push_back(common_dir_);
    places.push_back(common_dir_ / "objects"); // both may be links to other disks
    places.push_back(state_folder());
    places.push_back(std::move(worktree));
    co_return co_await disk_.wait(std::move(places));
}

awaitable<result<void>> repository::flush_only(std::vector<fs::path> files)
{
    if (durability_ == durability::process) co_return result<void>();
    co_return co_await flush_files(std::move(files));
}

awaitable<result<bool>> repository::flush_tip(std::string fullname, oid tip)
{
    const auto known = on_disk_.find(fullname);
    if (known != on_disk_.end()) {
        flushed_branch& branch = known->second;
        if (branch.tip == tip) co_return false;
        if (std::chrono::steady_clock::now() - branch.when < std::chrono::seconds(1)) {
            branch.is_behind = true;
            co_return false;
        }
    }
    auto flushed = co_await flush();
    if (!flushed) co_return flushed.error();
    tip_is_on_disk(fullname, tip);
    co_return durability_ == durability::power;
}

bool repository::is_put_off(const std::string& fullname) const
{
    const auto known = on_disk_.find(fullname);
    return known != on_disk_.end() && known->second.is_behind;
}

awaitable<result<void>> repository::flush_put_off(std::string fullname)
{
    if (!is_put_off(fullname)) co_return result<void>();
    co_return co_await flush();
}

void repository::tip_is_on_disk(const std::string& fullname, const oid& tip)
{
    on_disk_.insert_or_assign(fullname, flushed_branch{tip, std::chrono::steady_clock::now()});
}

libgit2_lane& repository::direct()
{
    if (!direct_) direct_ = std::make_unique<libgit2_lane>(executor_, git_dir_, durability_);
    return *direct_;
}

libgit2_lane& repository::direct_unflushed()
{
    if (durability_ == durability::process) return direct();
    if (!unflushed_) unflushed_ = std::make_unique<libgit2_lane>(executor_, git_dir_);
    return *unflushed_;
}

bool repository::may_read_directly() const
{
    return can_.direct_reads() && !has_become_indirect(common_dir_);
}

/// A ref that is moved must never be an empty file after a power cut: git writes it to a lock first, which is
/// on the disk then before it gets the ref's name. All else of what git writes is flushed after it has ended:
/// no setting of git's covers files, folders and records of worktrees.
static void keep_refs_whole(command& git, durability wanted)
{
    if (wanted == durability::power) git.args("-c", "core.fsync=reference");
}

command repository::prepare(std::vector<std::string> words) const
{
    return prepare(std::move(words), durability_);
}

command repository::prepare(std::vector<std::string> words, durability of_refs) const
{
    command git("git");
    prepare_own_call(git);
    git.take_at_most(git_time_);
    keep_refs_whole(git, of_refs);
    // The linked worktree that we were started in may have been removed meanwhile, by ourselves.
    std::error_code failed;
    const bool still_here =
        git_dir_ == common_dir_ || (fs::exists(git_dir_, failed) && here_ && fs::exists(*here_, failed));
    const fs::path& git_dir = still_here ? git_dir_ : common_dir_;
    if (still_here && here_)
        git.in(*here_);
    else
        git.in(main_work_tree_ && fs::exists(*main_work_tree_, failed) ? *main_work_tree_ : git_dir);
    git.add("--git-dir=" + git_dir.string());
    for (std::string& word : words)
        git.add(std::move(word));
    return git;
}

command repository::prepare_in(const fs::path& folder, std::vector<std::string> words) const
{
    command git("git");
    prepare_own_call(git);
    git.take_at_most(git_time_);
    git.in(folder);
    git.set("GIT_CEILING_DIRECTORIES", folder.parent_path().string());
    for (std::string& word : words)
        git.add(std::move(word));
    return git;
}

awaitable<result<std::string>> repository::answer(command prepared)
{
    const std::vector<std::string> words = prepared.words();
    auto output = co_await run_git(std::move(prepared));
    if (!output) co_return output.error();
    if (!output->ok()) co_return git_failed(words, *output);
    co_return without_last_newline(std::move(output->out));
}

fault git_failed(const std::vector<std::string>& words, const command_output& output)
{
    const std::string name = name_of_git(words);
    if (!output.overdue.empty()) return git_overdue(words, output);
    // One that was killed may do better the next time: nothing says that it was at fault.
    const bool killed = was_killed(output);
    const auto kind =
        kind_of_failure(output.err, make_error_code(killed ? errc::busy : errc::command_failed));
    std::string says = without_last_newline(output.err.empty() ? output.out : output.err);
    if (says.size() > 4000) says = "... " + std::string(end_of(says, 4000));
    return fault(kind, name + (killed ? " was killed" : " failed"))
        .with("git says", std::move(says))
        .with("command", quoted(words))
        .with("ended", to_string(output.status));
}

} // namespace graftline::git
