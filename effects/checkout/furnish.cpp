#include "graftline/effects/checkout/furnish.hpp"

#include "graftline/effects/checkout/worktree_command.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/rules/furnished.hpp"
#include "graftline/git/rules/noted_rules.hpp"
#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/base/utf8.hpp"

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

std::string last_lines(const std::string& text)
{
    constexpr std::size_t most = 2000;
    return text.size() <= most ? text : "…" + std::string(end_of(text, most));
}

/// A path of the settings must stay inside both trees: "../x" or "/etc" is no file of the repository.
result<fs::path> inside(const std::string& named)
{
    const auto path = fs::path(named).lexically_normal();
    if (path.is_absolute() || path.empty() || *path.begin() == ".." || named.find('\n') != named.npos)
        return fault(errc::invalid,
                     "worktree.copy and worktree.link name paths inside the repository, not '" + named + "'");
    return path;
}

/// True when something is to be put there; false when the main work tree has no such thing, or the checkout
/// has.
bool is_wanted(const fs::path& from, const fs::path& to)
{
    return fs::exists(fs::symlink_status(from)) && !fs::exists(fs::symlink_status(to));
}

/// A link above `path` in the checkout leads out of the worktree, or to where a copy would be the task's
/// work.
result<void> check_no_link_above(const fs::path& worktree, const fs::path& path)
{
    fs::path folder = worktree;
    std::error_code none;
    for (const fs::path& part : path.parent_path())
        if (folder /= part; fs::is_symlink(fs::symlink_status(folder, none)))
            return fault(errc::refused,
                         "worktree.copy and worktree.link follow no symbolic link: '" + path.string() + "'")
                .with("link", folder.string())
                .advise("Name the path that it leads to.");
    return {};
}

result<void> copy_one(const fs::path& from, const fs::path& to)
{
    std::error_code failed;
    fs::create_directories(to.parent_path(), failed);
    if (!failed) fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::copy_symlinks, failed);
    if (failed)
        return system_fault(failed.value(), "a file could not be copied into the worktree")
            .with("file", from.string());
    return {};
}

result<void> link_one(const fs::path& from, const fs::path& to)
{
    std::error_code failed;
    fs::create_directories(to.parent_path(), failed);
    if (!failed) fs::create_symlink(from, to, failed);
    if (failed)
        return system_fault(failed.value(), "a link could not be made in the worktree")
            .with("file", from.string());
    return {};
}

/// A checkout for gates has none of its own: with them, what is put there is no change for its gits.
awaitable<result<void>> note_rules_once(run& r, const fs::path& worktree)
{
    const auto& settings = r.in().settings().worktree;
    if (settings.copy.empty() && settings.link.empty()) co_return result<void>();
    const auto record = git::git_dir_of(r.repository(), worktree);
    if (!record) co_return record.error();
    if (!*record) co_return result<void>();
    const auto ignored = git::ignored_beside_tree(**record, worktree);
    if (!ignored) co_return ignored.error();
    if (!ignored->empty()) co_return result<void>();
    co_return co_await git::note_rules(r.repository(), **record, worktree);
}

awaitable<result<void>> place(run& r, const fs::path& main, const fs::path& worktree,
                              const std::string& named, result<void> (*put)(const fs::path&, const fs::path&))
{
    auto path = inside(named);
    if (!path) co_return path.error();
    const auto from = main / *path, to = worktree / *path;
    if (!is_wanted(from, to)) co_return result<void>();
    if (auto safe = check_no_link_above(worktree, *path); !safe) co_return safe;
    const auto record = git::git_dir_of(r.repository(), worktree);
    if (!record) co_return record.error();
    auto job = [&]() -> result<void> {
        if (auto done = put(from, to); !done || !*record) return done;
        return git::note_furnished(**record, worktree, *path);
    };
    co_return co_await offload(job);
}

/// One that hangs would keep its place from every other task.
awaitable<std::chrono::milliseconds> longest_set_up(run& r, std::string task)
{
    if (const auto& configured = r.in().settings().worktree.timeout) co_return *configured;
    const auto t = co_await r.find(std::move(task));
    co_return t.spec.timeout_ms ? std::chrono::milliseconds(*t.spec.timeout_ms) : std::chrono::hours(2);
}

awaitable<result<void>> set_up(run& r, const fs::path& worktree, const std::string& task,
                               const std::vector<std::string>& words)
{
    r.watcher().doing(task, "set-up: " + words.front());
    auto command = worktree_command(r.repository(), words, worktree, task);
    const auto ended = co_await graftline::run(command.take_at_most(co_await longest_set_up(r, task)));
    if (!ended) co_return ended.error();
    if (!ended->overdue.empty())
        co_return fault(errc::timed_out, "a set-up command of the worktree took too long and was ended")
            .with("command", quoted(words))
            .with("waited for", quoted(ended->overdue))
            .with("said", last_lines(ended->err.empty() ? ended->out : ended->err))
            .advise("Put right what hangs, or give it more time: timeout under [worktree] in graftline.toml, "
                    "or the task's --timeout.");
    if (!ended->ok())
        co_return fault(errc::command_failed, "a set-up command of the worktree failed")
            .with("command", quoted(words))
            .with("status", to_string(ended->status))
            .with("said", last_lines(ended->err.empty() ? ended->out : ended->err));
    co_return result<void>();
}

} // namespace

awaitable<result<void>> furnish(run& r, fs::path worktree, std::string task)
{
    const auto& settings = r.in().settings().worktree;
    if (const auto& main = r.repository().main_work_tree()) {
        if (auto noted = co_await note_rules_once(r, worktree); !noted) co_return noted.error();
        for (const auto& named : settings.copy)
            if (auto done = co_await place(r, *main, worktree, named, copy_one); !done)
                co_return done.error();
        for (const auto& named : settings.link)
            if (auto done = co_await place(r, *main, worktree, named, link_one); !done)
                co_return done.error();
    }
    for (const auto& words : settings.setup)
        if (auto done = co_await set_up(r, worktree, task, words); !done) co_return done.error();
    co_return result<void>();
}

} // namespace graftline::effects
