#include "graftline/git/objects/tree_differences.hpp"

#include "graftline/git/objects/new_objects.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"

#include <cstdlib>

namespace graftline::git {
namespace {

path_entry entry_of(const std::string& mode, const std::string& id)
{
    if (mode == "000000") return {};
    return {mode, oid(id)};
}

} // namespace

command tree_reader::git(std::vector<std::string> words) const
{
    command call = repo_->prepare(std::move(words));
    if (!more_objects_.empty()) call.set("GIT_ALTERNATE_OBJECT_DIRECTORIES", alternates_text(more_objects_));
    return call;
}

awaitable<result<tree_differences>> tree_reader::compare(std::string from, std::string to) const
{
    auto listing =
        co_await repository::answer(git({"diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames",
                                         "--ignore-submodules=none", from, to, "--"}));
    if (!listing) co_return listing.error();
    tree_differences all;
    const auto records = records_of(*listing);
    for (std::size_t at = 0; at + 1 < records.size(); at += 2) { // ":mode mode id id status", path
        const auto words = records_of(std::string_view(records[at]).substr(1), ' ');
        if (words.size() < 4) co_return fault(errc::corrupt, "git diff-tree says something unknown");
        all.emplace(records[at + 1], std::pair(entry_of(words[0], words[2]), entry_of(words[1], words[3])));
    }
    co_return all;
}

awaitable<result<std::map<oid, std::string>>> tree_reader::contents(std::set<oid> blobs) const
{
    std::map<oid, std::string> texts;
    std::string questions;
    for (const oid& id : blobs)
        questions += id.hex() + "\n";
    command reading = git({"cat-file", "--batch"});
    reading.feed(std::move(questions));
    auto answers = co_await repository::answer(std::move(reading));
    if (!answers) co_return answers.error();
    std::string_view rest = *answers; // "id type size", the contents, a line's end (cut off at the very end)
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        const auto words = records_of(rest.substr(0, end), ' ');
        rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
        if (words.size() != 3) continue; // "id missing"
        const auto size = std::strtoull(words[2].c_str(), nullptr, 10);
        if (size > rest.size()) co_return fault(errc::corrupt, "git cat-file ends too early");
        if (words[1] == "blob") texts.emplace(oid(words[0]), rest.substr(0, size));
        rest.remove_prefix(std::min<std::size_t>(rest.size(), size + 1));
    }
    co_return texts;
}

} // namespace graftline::git
