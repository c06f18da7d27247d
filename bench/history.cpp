#include "graftline/bench/history.hpp"

namespace graftline::bench {

history::history(int files, int lines) : lines_(lines)
{
    begin_commit("main");
    for (int file = 0; file < files; ++file)
        put({file, -1, {}});
}

void history::branch(const std::string& name, const std::vector<change>& changes)
{
    begin_commit(name);
    stream_ += "from refs/heads/main\n";
    for (const auto& one : changes)
        put(one);
}

void history::begin_commit(const std::string& branch)
{
    stream_ += "commit refs/heads/" + branch + "\ncommitter Bench <bench@example.org> " +
               std::to_string(time_++) + " +0000\ndata 4\nwork\n";
}

/// At most 100 entries in a folder, at every level.
static std::string path_of(int file)
{
    const int folder = file / 100;
    return "d" + std::to_string(folder / 100) + "/d" + std::to_string(folder % 100) + "/f" +
           std::to_string(file) + ".txt";
}

void history::put(const change& what)
{
    std::string text = "file " + std::to_string(what.file) + "\n";
    for (int line = 0; line < lines_; ++line)
        text += line == what.line ? what.text + "\n" : "line " + std::to_string(line) + "\n";
    stream_ += "M 100644 inline " + path_of(what.file) + "\ndata " + std::to_string(text.size()) + "\n" +
               text + "\n";
}

awaitable<std::filesystem::path> history::import_into(std::filesystem::path folder) &&
{
    std::filesystem::create_directories(folder);
    co_await must_run(git(folder, {"init", "-q", "--bare"}));
    co_await must_run(git(folder, {"config", "user.name", "Bench"}));
    co_await must_run(git(folder, {"config", "user.email", "bench@example.org"}));
    auto import = git(folder, {"fast-import", "--quiet"});
    import.feed(std::move(stream_));
    co_await must_run(std::move(import));
    co_return folder;
}

} // namespace graftline::bench
