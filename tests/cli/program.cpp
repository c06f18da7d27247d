#include "tests/cli/program.hpp"

#include <boost/json/parse.hpp>

#include "tests/support/built.hpp"
#include "tests/support/hang_guard.hpp"

#include <chrono>
#include <thread>

namespace graftline::test {

boost::json::value said::json() const
{
    boost::system::error_code failed;
    auto document = boost::json::parse(out, failed);
    if (failed) ADD_FAILURE() << "not JSON: " << out << "\nstderr: " << err;
    return document;
}

desk::desk(std::vector<std::string> init) : repository(std::move(init))
{
    isolate_git();
    std::filesystem::create_directories(repository.root() / "home");
    if (!repository.git("rev-parse", "--is-bare-repository").starts_with("true")) {
        write_file(repository.top() / "greeting.txt", "hello\n");
        repository.git("add", ".");
        repository.git("commit", "-q", "-m", "begin");
    }
}

command desk::prepared(const std::filesystem::path& folder, std::vector<std::string> words) const
{
    command c(built_program());
    for (auto& word : words)
        c.add(std::move(word));
    c.in(folder)
        .set("HOME", (repository.root() / "home").string())
        .unset("XDG_CONFIG_HOME")
        .unset("NO_COLOR");
    return c;
}

said desk::graftline_in(const std::filesystem::path& folder, std::vector<std::string> words)
{
    const auto output = run_here(run(prepared(folder, std::move(words)))).value();
    return {shell_code(output.status), output.out, output.err};
}

std::string desk::script(const std::string& name, const std::string& text)
{
    const auto file = repository.root() / name;
    write_file(file, "#!/bin/sh\n" + text);
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file.string();
}

bool eventually(const std::function<bool()>& holds)
{
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!holds()) {
        if (std::chrono::steady_clock::now() > limit) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
}

} // namespace graftline::test
