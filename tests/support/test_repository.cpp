#include "tests/support/test_repository.hpp"

#include "graftline/runtime/process/command.hpp"

#include "tests/support/hang_guard.hpp"
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

extern char** environ;

namespace graftline::test {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view global_configuration = R"([user]
    name = Test Person
    email = test@example.org
[init]
    defaultBranch = main
[commit]
    gpgSign = false
[advice]
    detachedHead = false
)";

std::vector<std::string> inherited_git_variables()
{
    std::vector<std::string> names;
    for (char** entry = environ; *entry; ++entry) {
        const std::string_view text(*entry);
        if (text.starts_with("GIT_")) names.emplace_back(text.substr(0, text.find('=')));
    }
    return names;
}

} // namespace

void isolate_git()
{
    static const temporary_folder home;
    for (const std::string& name : inherited_git_variables())
        unsetenv(name.c_str());
    write_file(home.path() / "gitconfig", global_configuration);
    setenv("HOME", home.path().c_str(), 1);
    setenv("XDG_CONFIG_HOME", (home.path() / "config").c_str(), 1);
    setenv("GIT_CONFIG_GLOBAL", (home.path() / "gitconfig").c_str(), 1);
    setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
}

temporary_folder::temporary_folder()
{
    std::string name = (fs::canonical(fs::temp_directory_path()) / "graftline-test-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("no temporary folder could be made");
    path_ = name;
}

temporary_folder::~temporary_folder()
{
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

git_answer try_git(const fs::path& folder, std::vector<std::string> words)
{
    command git("git");
    git.in(folder);
    for (std::string& word : words)
        git.add(std::move(word));
    auto output = run_here(run(std::move(git)));
    if (!output) throw fault_error(output.error());
    if (output->out.ends_with('\n')) output->out.pop_back();
    return {output->ok(), output->out, output->err};
}

void write_file(const fs::path& path, std::string_view text)
{
    fs::create_directories(path.parent_path());
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text;
    if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

std::string read_file(const fs::path& path)
{
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path.string());
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

test_repository::test_repository(std::vector<std::string> init)
{
    isolate_git();
    fs::create_directory(top());
    std::vector<std::string> words{"init", "--quiet"};
    words.insert(words.end(), init.begin(), init.end());
    must(top(), std::move(words));
}

fs::path test_repository::git_folder() const
{
    return git("rev-parse", "--path-format=absolute", "--git-common-dir");
}

std::string test_repository::commit(const std::string& message) const
{
    git("add", "--all");
    git("commit", "--quiet", "--allow-empty", "-m", message);
    return git("rev-parse", "HEAD");
}

std::string test_repository::commit_file(const fs::path& name, std::string_view text) const
{
    write(name, text);
    return commit("Change " + name.string());
}

std::string test_repository::must(const fs::path& folder, std::vector<std::string> words)
{
    const std::string name = words.empty() ? "" : words.front();
    git_answer answer = try_git(folder, std::move(words));
    if (!answer.ok) throw std::runtime_error("git " + name + " failed: " + answer.err + answer.out);
    return answer.out;
}

} // namespace graftline::test
