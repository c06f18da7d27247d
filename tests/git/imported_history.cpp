#include "tests/git/imported_history.hpp"

#include "graftline/git/repository/quoted_path.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/runtime/process/command.hpp"

#include "tests/support/hang_guard.hpp"

#include <stdexcept>

namespace graftline::test {

int history_importer::commit(const file_tree& tree, const std::vector<int>& parents)
{
    ++commits_;
    text_ += "reset refs/heads/all\ncommit refs/heads/all\nmark :" + std::to_string(commits_) +
             "\ncommitter Test Person <test@example.org> " + std::to_string(1'000'000 + commits_) +
             " +0000\ndata 0\n";
    for (std::size_t at = 0; at < parents.size(); ++at)
        text_ += (at == 0 ? "from :" : "merge :") + std::to_string(parents[at]) + "\n";
    text_ += "deleteall\n";
    for (const auto& [path, what] : tree) {
        const std::string name = git::quoted_path(path, true, false) + "\n";
        if (what.mode == "160000")
            text_ += "M 160000 " + what.text + " " + name;
        else
            text_ += "M " + what.mode + " inline " + name + "data " + std::to_string(what.text.size()) +
                     "\n" + what.text + "\n";
    }
    return commits_;
}

std::map<int, git::oid> history_importer::run(const test_repository& repo)
{
    const auto marks_file = repo.root() / "marks";
    command import("git");
    import.in(repo.top());
    import.args("fast-import", "--quiet", "--force", "--export-marks=" + marks_file.string());
    import.feed(std::move(text_));
    const auto output = run_here(graftline::run(std::move(import))).value();
    if (!output.ok()) throw std::runtime_error("git fast-import failed: " + output.err);
    std::map<int, git::oid> ids;
    for (const std::string& line : git::records_of(read_file(marks_file), '\n'))
        ids.emplace(std::stoi(line.substr(1)), git::oid(line.substr(line.find(' ') + 1)));
    return ids;
}

} // namespace graftline::test
