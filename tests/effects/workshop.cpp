#include "tests/effects/workshop.hpp"

#include "graftline/agents/config/plan.hpp"

#include "tests/support/built.hpp"

#include <map>
#include <sstream>

namespace graftline::test {
namespace {

std::vector<std::string> lines_of(const std::string& text)
{
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

effects::observer& nobody()
{
    static effects::observer silent;
    return silent;
}

} // namespace

workshop::workshop(std::vector<std::string> init) : repo(std::move(init))
{
    isolate_git();
    defaults.target = "main";
}

std::shared_ptr<effects::project> workshop::open(asio::io_context& io)
{
    auto in = run_here(io, effects::project::open(repo.top())).value();
    in->supervisor_command = {built_program(), "supervise"};
    return in;
}

effects::run_report workshop::run(const std::vector<std::string>& descriptions, const std::string& script)
{
    defaults.command = {"sh", "-c", script};
    return with([&](std::shared_ptr<effects::project> in) -> awaitable<effects::run_report> {
        std::vector<effects::wanted_task> wanted;
        for (const auto& d : descriptions)
            wanted.push_back({d, {}, {}});
        auto tasks = (co_await effects::make_tasks(in, wanted, defaults)).value();
        co_return (co_await effects::run_tasks(in, tasks, options, nobody(), button)).value();
    });
}

effects::run_report workshop::run_plan(const std::string& toml, const std::string& script)
{
    defaults.command = {"sh", "-c", script};
    return with([&](std::shared_ptr<effects::project> in) -> awaitable<effects::run_report> {
        const auto plan = agents::parse_plan(toml, "plan.toml").value();
        std::vector<effects::wanted_task> wanted;
        for (const auto& p : plan.tasks)
            wanted.push_back({p.description, p.agent, p});
        auto tasks = (co_await effects::make_tasks(in, wanted, defaults)).value();
        co_return (co_await effects::run_tasks(in, tasks, options, nobody(), button)).value();
    });
}

effects::task workshop::find(const std::string& handle)
{
    return with([&](std::shared_ptr<effects::project> in) -> awaitable<effects::task> {
        co_return co_await in->must_store([&](effects::store& s) { return s.resolve(handle); });
    });
}

std::vector<std::string> workshop::branches() const
{
    return lines_of(repo.git("for-each-ref", "--format=%(refname:short)", "refs/heads"));
}

std::vector<std::string> workshop::worktrees() const
{
    std::vector<std::string> paths;
    for (const auto& line : lines_of(repo.git("worktree", "list", "--porcelain")))
        if (line.starts_with("worktree ")) paths.push_back(line.substr(9));
    paths.erase(paths.begin());
    return paths;
}

bool workshop::has(const std::string& ref) const
{
    return try_git(repo.top(), {"rev-parse", "--verify", "--quiet", ref}).ok;
}

std::string workshop::checkout_state() const
{
    namespace fs = std::filesystem;
    std::map<std::string, std::string> files;
    for (auto entry = fs::recursive_directory_iterator(repo.top());
         entry != fs::recursive_directory_iterator(); ++entry) {
        if (entry->path().filename() == ".git") {
            entry.disable_recursion_pending();
            continue;
        }
        if (entry->is_regular_file()) files[entry->path().string()] = read_file(entry->path());
    }
    std::string state;
    for (const auto& [path, text] : files)
        state += path + "\n" + text + "\n";
    state += repo.git("symbolic-ref", "HEAD") + "\n" + repo.git("stash", "list") + "\n";
    return state + repo.git("status", "--porcelain=v2", "--ignored");
}

} // namespace graftline::test
