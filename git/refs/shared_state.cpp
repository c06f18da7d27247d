#include "graftline/git/refs/shared_state.hpp"

#include "graftline/git/refs/branch_use.hpp"
#include "graftline/git/repository/libgit2.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/runtime/async/offload.hpp"

#include <charconv>
#include <optional>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;
using named_refs = std::map<std::string, std::string>;
using iterator_ptr = owned<git_reference_iterator, git_reference_iterator_free>;

result<named_refs> refs_now(git_repository& repository)
{
    iterator_ptr all;
    if (const int code = git_reference_iterator_new(out(all), &repository); code < 0)
        return last_fault(code, "the refs cannot be listed");
    named_refs found;
    for (;;) {
        reference_ptr one;
        const int code = git_reference_next(out(one), all.get());
        if (code == GIT_ITEROVER) return found;
        if (code < 0) return last_fault(code, "the refs cannot be listed");
        const std::string name = git_reference_name(one.get());
        if (may_hold_work(name) && git_reference_type(one.get()) == GIT_REFERENCE_DIRECT)
            found.emplace(name, to_oid(*git_reference_target(one.get())).hex());
    }
}

awaitable<result<named_refs>> refs_of(repository& repo)
{
    if (repo.may_read_directly()) {
        auto found = co_await repo.direct().run([](git_repository& opened) { return refs_now(opened); });
        if (found) co_return found;
    }
    const auto listed = co_await repo.ask("for-each-ref", "--format=%(objectname) %(symref) %(refname)");
    if (!listed) co_return listed.error();
    named_refs found;
    for (const std::string& line : records_of(*listed, '\n')) {
        const auto words = records_of(line, ' ');
        if (words.size() == 3 && words[1].empty() && may_hold_work(words[2]))
            found.emplace(words[2], words[0]);
    }
    co_return found;
}

std::optional<reflog_line> parsed(std::string_view line)
{
    const auto tab = line.find('\t');
    std::string_view head = line.substr(0, tab);
    const auto first = head.find(' ');
    if (first == head.npos) return std::nullopt;
    const auto second = head.find(' ', first + 1);
    const auto zone = head.rfind(' ');
    if (second == head.npos || zone == head.npos || zone <= second) return std::nullopt;
    const auto time = head.rfind(' ', zone - 1);
    if (time == head.npos || time < second) return std::nullopt;
    reflog_line read;
    read.before = head.substr(0, first);
    read.after = head.substr(first + 1, second - first - 1);
    if (!oid::parse(read.before) || !oid::parse(read.after)) return std::nullopt;
    const std::string_view seconds = head.substr(time + 1, zone - time - 1);
    std::from_chars(seconds.data(), seconds.data() + seconds.size(), read.at);
    if (tab != line.npos) read.message = line.substr(tab + 1);
    return read;
}

} // namespace

bool may_hold_work(std::string_view fullname)
{
    if (!fullname.starts_with("refs/")) return false;
    for (const std::string_view others :
         {"refs/remotes/", "refs/graftline/", "refs/notes/", "refs/bisect/", "refs/worktree/",
          "refs/rewritten/", "refs/prefetch/", "refs/replace/", "refs/stash"})
        if (fullname.starts_with(others)) return false;
    return true;
}

std::vector<reflog_line> reflog_lines(std::string_view text)
{
    std::vector<reflog_line> lines;
    for (const std::string& line : records_of(text, '\n'))
        if (auto read = parsed(line)) lines.push_back(std::move(*read));
    return lines;
}

result<std::vector<stash_entry>> stash_of(const repository& repo)
{
    const auto text = text_if_there(repo.common_dir() / "logs" / "refs" / "stash");
    if (!text) return text.error();
    std::vector<stash_entry> entries;
    for (reflog_line& line : reflog_lines(*text))
        entries.push_back({std::move(line.after), std::move(line.message), line.at});
    return entries;
}

awaitable<result<shared_state>> look_at_shared(repository& repo)
{
    auto refs = co_await refs_of(repo);
    if (!refs) co_return refs.error();
    auto rest = [&]() -> result<shared_state> {
        auto stash = stash_of(repo);
        if (!stash) return stash.error();
        const auto folders = worktree_git_dirs(repo);
        if (!folders) return folders.error();
        shared_state state;
        state.stash = std::move(*stash);
        for (const fs::path& folder : *folders) {
            std::error_code none;
            const auto size = fs::file_size(folder / "logs" / "HEAD", none);
            state.heads.emplace(folder.string(), none ? 0 : size);
        }
        for (std::size_t at = 1; at < folders->size(); ++at) // the first is the main worktree's
            state.worktrees.push_back((*folders)[at].string());
        return state;
    };
    auto state = co_await offload(rest);
    if (state) state->refs = std::move(*refs);
    co_return state;
}

std::string text_of_state(const shared_state& state)
{
    std::vector<std::string> records;
    for (const auto& [name, id] : state.refs)
        records.push_back("ref " + id + " " + name);
    for (const stash_entry& entry : state.stash)
        records.push_back("stash " + entry.commit + " " + std::to_string(entry.made_at) + " " +
                          entry.message);
    for (const std::string& folder : state.worktrees)
        records.push_back("worktree " + folder);
    for (const auto& [folder, size] : state.heads)
        records.push_back("head " + std::to_string(size) + " " + folder);
    return joined(records);
}

shared_state state_in_text(std::string_view text)
{
    shared_state state;
    for (const std::string& record : records_of(text)) {
        const auto kind = record.find(' ');
        if (kind == record.npos) continue;
        const auto word = record.find(' ', kind + 1);
        const std::string id = record.substr(kind + 1, word == record.npos ? word : word - kind - 1);
        if (record.starts_with("worktree ")) {
            state.worktrees.push_back(record.substr(kind + 1));
        } else if (word == record.npos) {
            continue;
        } else if (record.starts_with("head ")) {
            std::uint64_t size = 0;
            std::from_chars(id.data(), id.data() + id.size(), size);
            state.heads.emplace(record.substr(word + 1), size);
        } else if (record.starts_with("ref ")) {
            state.refs.emplace(record.substr(word + 1), id);
        } else if (record.starts_with("stash ")) {
            stash_entry entry{id, {}, 0};
            const char* begin = record.data() + word + 1;
            const auto read = std::from_chars(begin, record.data() + record.size(), entry.made_at);
            const auto next = static_cast<std::size_t>(read.ptr - record.data());
            if (next < record.size()) entry.message = record.substr(next + 1);
            state.stash.push_back(std::move(entry));
        }
    }
    return state;
}

} // namespace graftline::git
