#include "tests/git/gits_merges.hpp"

#include "graftline/git/repository/records.hpp"

#include "tests/support/hang_guard.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>

namespace graftline::test {
namespace {

using git::oid;

std::string kind_of(const std::string& type)
{
    if (!type.starts_with("CONFLICT (")) return {};
    return type.substr(10, type.rfind(')') - 10);
}

/// Reads one answer of `git merge-tree --stdin`: whether it is clean, the tree, an empty record; with
/// conflicts the entries come before that, and messages and another empty record after it.
gits_answer read_answer(const std::vector<std::string>& records, std::size_t& at)
{
    const bool clean = records.at(at++) == "1";
    gits_answer answer{oid(records.at(at++)), {}};
    std::map<std::string, std::string> kinds;
    for (; !records.at(at).empty(); ++at)
        kinds[records[at].substr(records[at].find('\t') + 1)];
    const bool has_entries = !kinds.empty(); // these are what it lists; messages name further places
    for (++at; !clean && !records.at(at).empty();) {
        if (records[at].starts_with("Recursive merging with submodules")) break; // advice, once, at the end
        const std::size_t count = std::stoul(records[at]);
        const std::string kind = kind_of(records.at(at + count + 1));
        for (std::size_t n = 1; n <= count && !kind.empty(); ++n)
            if (!has_entries || kinds.contains(records.at(at + n)))
                if (kinds[records[at + n]].empty()) kinds[records[at + n]] = kind;
        at += count + 3;
    }
    at += clean ? 0 : 1;
    for (const auto& [path, kind] : kinds)
        answer.conflicts.push_back({path, kind});
    return answer;
}

/// Git dies of some merges; the others are asked for again without it.
std::vector<std::optional<gits_answer>> ask_some(const test_repository& repo,
                                                 const std::vector<git::merge_question>& questions,
                                                 std::size_t from, std::size_t to)
{
    command merge("git");
    merge.in(repo.top());
    merge.args("merge-tree", "--write-tree", "--stdin");
    std::string lines;
    for (std::size_t at = from; at < to; ++at)
        lines += questions[at].ours.hex() + " " + questions[at].theirs.hex() + "\n";
    merge.feed(std::move(lines));
    const auto output = run_here(run(std::move(merge))).value();
    std::vector<std::optional<gits_answer>> answers;
    if (output.ok()) {
        const auto records = git::records_of(output.out);
        for (std::size_t at = 0; at < records.size();)
            answers.push_back(read_answer(records, at));
        return answers;
    }
    if (to - from == 1) return {std::nullopt};
    const std::size_t middle = from + (to - from) / 2;
    answers = ask_some(repo, questions, from, middle);
    auto rest = ask_some(repo, questions, middle, to);
    std::ranges::move(rest, std::back_inserter(answers));
    return answers;
}

} // namespace

std::vector<std::optional<gits_answer>> ask_git(const test_repository& repo,
                                                const std::vector<git::merge_question>& questions)
{
    return ask_some(repo, questions, 0, questions.size());
}

} // namespace graftline::test
