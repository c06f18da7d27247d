#include "graftline/git/refs/refs.hpp"

#include "graftline/git/refs/read_by_command.hpp"
#include "graftline/git/refs/read_direct.hpp"
#include "graftline/git/refs/write_ref_direct.hpp"
#include "graftline/git/repository/patience.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/runtime/async/shielded.hpp"
#include "graftline/runtime/process/left_commands.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace graftline::git {
namespace {

bool says(const command_output& output, std::string_view part)
{
    return output.err.find(part) != std::string::npos;
}

/// Why git did not move a ref, as something that a caller can decide on.
fault not_moved(const command& prepared, const command_output& output, const std::string& fullname)
{
    fault whole = git_failed(prepared.words(), output);
    if (whole.is(errc::timed_out)) return whole.with("ref", fullname);
    error_code code = whole.code();
    std::string what = "the ref could not be changed: " + fullname;
    if (says(output, "but expected") || says(output, "reference already exists") ||
        says(output, "unable to resolve reference")) {
        code = errc::moved;
        what = "the ref holds something else by now: " + fullname;
    } else if (says(output, "exists; cannot create")) {
        code = errc::exists;
        what = "another ref is in the way of " + fullname;
    } else if (says(output, ".lock': File exists")) {
        code = errc::busy;
        what = "another process keeps the ref locked: " + fullname;
    } else if (auto refused = refusal_of_hook(output.err, fullname)) {
        what = std::move(*refused);
    } else if (whole.is(errc::no_space)) {
        return whole;
    }
    fault f(code, std::move(what));
    for (const auto& [key, value] : whole.context())
        f.with(key, value);
    return f;
}

/// `wanted`: what the ref holds afterwards; none: it is gone.
awaitable<result<void>> change_ref(repository& repo, command prepared, std::string fullname,
                                   std::optional<oid> wanted)
{
    // Killed at the wrong moment, git leaves the ref locked for ever. It does not take long, but a hook may.
    ref_lock_note note(repo.state_folder());
    if (fullname.starts_with("refs/"))
        note.write(fullname + ".lock", wanted.value_or(oid()), ref_lock_note::taker::a_git_of_ours);
    auto output = co_await shielded(run(prepared));
    if (!output) co_return output.error();
    if (output->ok()) co_return result<void>();
    if (was_ended(*output)) { // in a hook that it waited for, perhaps: with the ref where it should be
        drop_ref_lock(repo, fullname, wanted.value_or(oid()));
        const auto now = co_await read_ref(repo, fullname);
        if (now && *now == wanted) co_return result<void>();
    }
    co_return not_moved(prepared, *output, fullname);
}

bool is_full_name(std::string_view name)
{
    return name.starts_with("refs/") || name == "HEAD";
}

} // namespace

std::optional<std::string> refusal_of_hook(std::string_view said, std::string_view fullname)
{
    // "fatal: ref updates aborted by hook"; later gits name the hook and its state.
    const auto fatal = said.find("fatal: ref updates aborted by");
    if (fatal == said.npos) return std::nullopt;
    std::string_view own = said.substr(0, fatal);
    while (own.ends_with('\n'))
        own.remove_suffix(1);
    own.remove_prefix(own.rfind('\n') + 1); // npos + 1: it is one line
    std::string text = "the hook reference-transaction refused to move " + std::string(fullname);
    return own.empty() ? text : text + ": " + std::string(own);
}

awaitable<result<oid>> tree_of(repository& repo, oid commit)
{
    if (repo.may_read_directly()) {
        auto found = co_await read_direct::tree_of(repo, commit);
        if (found) co_return found;
    }
    auto answer = co_await repo.ask("rev-parse", "--verify", commit.hex() + "^{tree}");
    if (!answer) co_return answer.error();
    co_return oid(std::move(*answer));
}

awaitable<result<oid>> resolve(repository& repo, std::string rev)
{
    if (repo.may_read_directly()) {
        auto found = co_await read_direct::resolve(repo, rev);
        if (found) co_return found;
    }
    co_return co_await read_by_command::resolve(repo, std::move(rev));
}

awaitable<result<std::optional<oid>>> read_ref(repository& repo, std::string fullname)
{
    if (!is_full_name(fullname)) co_return fault(errc::invalid, "not a ref's full name: " + fullname);
    if (repo.may_read_directly()) {
        auto found = co_await read_direct::read_ref(repo, fullname);
        if (found) co_return found;
    }
    co_return co_await read_by_command::read_ref(repo, std::move(fullname));
}

awaitable<result<void>> update_ref(repository& repo, std::string fullname, oid to,
                                   std::optional<oid> expected, std::string reflog_message)
{
    if (!is_full_name(fullname)) co_return fault(errc::invalid, "not a ref's full name: " + fullname);
    // To move a ref to the null id is to delete it: nobody who has an id in hand means that.
    if (to.is_null()) co_return fault(errc::invalid, "a ref cannot be moved to nothing: " + fullname);
    if (expected) {
        auto written = co_await write_ref_direct(repo, fullname, to, *expected, reflog_message);
        if (!written) co_return written.error();
        if (*written) co_return result<void>();
    }
    auto prepared = repo.git("update-ref", "-m", reflog_message, fullname, to.hex());
    prepared.set(purpose_name, fullname + ": " + reflog_message);
    if (expected)
        prepared.add(expected->is_null() ? "" : expected->hex()); // "": it must not exist, in any hash
    co_return co_await change_ref(repo, std::move(prepared), std::move(fullname), std::move(to));
}

awaitable<result<void>> delete_ref(repository& repo, std::string fullname, oid expected)
{
    if (!is_full_name(fullname)) co_return fault(errc::invalid, "not a ref's full name: " + fullname);
    if (expected.is_null())
        co_return fault(errc::invalid, "a ref is deleted only at a known value: " + fullname);
    auto deleted = co_await delete_ref_direct(repo, fullname, expected);
    if (!deleted) co_return deleted.error();
    if (*deleted) co_return result<void>();
    // Not followed where it is symbolic: a task may have pointed its branch at the user's.
    auto prepared = repo.git("update-ref", "--no-deref", "-d", fullname, expected.hex());
    co_return co_await change_ref(repo, std::move(prepared), std::move(fullname), std::nullopt);
}

awaitable<result<std::optional<std::string>>> head_branch(repository& repo)
{
    auto prepared = repo.git("symbolic-ref", "--quiet", "HEAD");
    auto output = co_await run_git(prepared);
    if (!output) co_return output.error();
    if (output->status == exit_status(exited{1})) co_return std::optional<std::string>();
    if (!output->ok()) co_return git_failed(prepared.words(), *output);
    constexpr std::string_view prefix = "refs/heads/";
    std::string name = output->out.substr(0, output->out.find('\n'));
    if (!name.starts_with(prefix)) co_return std::optional<std::string>();
    co_return std::optional<std::string>(name.substr(prefix.size()));
}

awaitable<result<bool>> is_ancestor(repository& repo, oid ancestor, oid descendant)
{
    if (repo.may_read_directly()) {
        auto found = co_await read_direct::is_ancestor(repo, ancestor, descendant);
        if (found) co_return found;
    }
    co_return co_await read_by_command::is_ancestor(repo, std::move(ancestor), std::move(descendant));
}

awaitable<result<std::vector<oid>>> merge_bases(repository& repo, oid one, oid other)
{
    if (repo.may_read_directly()) {
        auto found = co_await read_direct::merge_bases(repo, one, other);
        if (found) co_return found;
    }
    co_return co_await read_by_command::merge_bases(repo, std::move(one), std::move(other));
}

awaitable<result<std::string>> free_branch_name(repository& repo, std::string wanted)
{
    auto listed = co_await repo.ask("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/");
    if (!listed) co_return listed.error();
    std::set<std::string, std::less<>> taken;
    std::string_view rest = *listed;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        taken.emplace(line);
    }
    // A branch `task` leaves no room for `task/x`: that one becomes `task-x`.
    for (auto slash = wanted.find('/'); slash != wanted.npos; slash = wanted.find('/', slash + 1))
        if (taken.contains(wanted.substr(0, slash))) wanted[slash] = '-';
    const auto is_taken = [&](const std::string& name) {
        const auto below = taken.lower_bound(name + "/");
        return taken.contains(name) || (below != taken.end() && below->starts_with(name + "/"));
    };
    std::string name = wanted;
    for (int next = 2; is_taken(name); ++next)
        name = wanted + "-" + std::to_string(next);
    co_return name;
}

} // namespace graftline::git
