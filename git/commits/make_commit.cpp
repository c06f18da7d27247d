#include "graftline/git/commits/make_commit.hpp"

#include "graftline/git/objects/object_folder.hpp"
#include "graftline/git/repository/git_settings.hpp"
#include "graftline/git/repository/libgit2.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <set>
#include <string_view>

namespace graftline::git {
namespace {

// ---- by the git command

/// Author and author date of `commit` as variables for git, in `call`.
awaitable<result<void>> copy_author(repository& repo, oid commit, command& call)
{
    auto lines = co_await repo.ask("-c", "i18n.logOutputEncoding=UTF-8", "show", "-s", "--no-show-signature",
                                   "--format=%an%n%ae%n%ad", "--date=raw", commit.hex(), "--");
    if (!lines) co_return lines.error();
    std::vector<std::string> fields = records_of(*lines, '\n');
    fields.resize(3);
    // A commit without an author's name exists in old histories; git refuses to write one.
    call.set("GIT_AUTHOR_NAME", fields[0].empty() ? "unknown" : fields[0]);
    call.set("GIT_AUTHOR_EMAIL", fields[1]);
    // Without the sign git reads a small number (before 1973) as a date of another kind.
    call.set("GIT_AUTHOR_DATE", "@" + fields[2]);
    co_return result<void>();
}

awaitable<bool> wants_signature(repository& repo)
{
    auto value = co_await repo.ask("config", "--type=bool", "commit.gpgSign");
    co_return value && *value == "true";
}

/// Git does not know a committer: only then may ours stand in, and only for commits that we make ourselves.
awaitable<bool> lacks_identity(repository& repo)
{
    auto known = co_await repo.ask("var", "GIT_COMMITTER_IDENT");
    co_return !known;
}

awaitable<result<oid>> commit_by_command(repository& repo, oid tree, std::vector<oid> parents,
                                         std::string message, commit_author author_of, new_objects& into)
{
    auto readable = co_await write_to_folder(repo, into);
    if (!readable) co_return readable.error();
    if (!into.folder) {
        auto folder = make_object_folder(repo);
        if (!folder) co_return folder.error();
        into.folder = std::move(*folder);
    }
    command write = repo.git("commit-tree");
    write_apart(write, repo, into.folder->path());
    if (co_await wants_signature(repo)) write.add("-S");
    for (const oid& parent : parents)
        write.args("-p", parent.hex());
    write.args("-F", "-", tree.hex());
    write.feed(std::move(message));
    if (author_of.source()) {
        auto copied = co_await copy_author(repo, *author_of.source(), write);
        if (!copied) co_return copied.error();
    }
    command again = write;
    auto id = co_await repository::answer(std::move(write));
    if (!id && co_await lacks_identity(repo)) {
        const identity& us = own_identity();
        again.set("GIT_COMMITTER_NAME", us.name()).set("GIT_COMMITTER_EMAIL", us.email());
        if (!author_of.source()) again.set("GIT_AUTHOR_NAME", us.name()).set("GIT_AUTHOR_EMAIL", us.email());
        id = co_await repository::answer(std::move(again));
    }
    if (!id) co_return id.error();
    co_return oid(*id);
}

// ---- by ourselves

/// Git replaces bytes that are no UTF-8, and refuses NUL: such a message is its own business.
bool is_plain_text(std::string_view text)
{
    for (std::size_t at = 0; at < text.size();) {
        const auto byte = static_cast<unsigned char>(text[at++]);
        if (byte == 0) return false;
        if (byte < 0x80) continue;
        const int more = byte >= 0xc2 && byte < 0xe0   ? 1
                         : (byte >> 4) == 0xe          ? 2
                         : byte >= 0xf0 && byte < 0xf5 ? 3
                                                       : 0;
        if (more == 0 || at + static_cast<std::size_t>(more) > text.size()) return false;
        std::uint32_t point = byte & (0x3f >> more);
        for (int n = 0; n < more; ++n) {
            const auto next = static_cast<unsigned char>(text[at++]);
            if ((next & 0xc0) != 0x80) return false;
            point = point << 6 | (next & 0x3f);
        }
        // Too long for what it says, half of a pair, past the end, or no character at all.
        if (point < (more == 1 ? 0x80u : more == 2 ? 0x800u : 0x10000u)) return false;
        if ((point >= 0xd800 && point < 0xe000) || point > 0x10ffff) return false;
        if ((point & 0xfffe) == 0xfffe || (point >= 0xfdd0 && point <= 0xfdef)) return false;
    }
    return true;
}

/// "1700000000 +0100", now, where we are.
std::string time_here()
{
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&now, &local);
    const long minutes = local.tm_gmtoff / 60;
    const long size = minutes < 0 ? -minutes : minutes;
    char zone[16];
    std::snprintf(zone, sizeof zone, " %c%02ld%02ld", minutes < 0 ? '-' : '+', size / 60, size % 60);
    return std::to_string(now) + zone;
}

std::string signed_as(const identity& who, const std::string& when)
{
    return who.name() + " <" + who.email() + "> " + when;
}

/// Git strips these from both ends of a name: one that has any is written by git.
bool has_clean_ends(std::string_view text)
{
    constexpr std::string_view stripped = ".,:;<>\"\\'";
    const auto is_stripped = [&](char c) {
        return static_cast<unsigned char>(c) <= ' ' || stripped.find(c) != stripped.npos;
    };
    return text.empty() || (!is_stripped(text.front()) && !is_stripped(text.back()));
}

/// Is it what git would make of it again: "Name <email> 1700000000 +0100"?
bool is_usual_author(std::string_view line)
{
    const auto open = line.find(" <");
    const auto close = line.find("> ", open);
    if (open == line.npos || open == 0 || close == line.npos) return false;
    const std::string_view name = line.substr(0, open);
    const std::string_view email = line.substr(open + 2, close - open - 2);
    const std::string_view when = line.substr(close + 2);
    const auto space = when.find(' ');
    if (name.find_first_of("<>\n") != name.npos || email.find_first_of("<>\n") != email.npos) return false;
    if (!has_clean_ends(name) || !has_clean_ends(email) || space == when.npos) return false;
    const std::string_view seconds = when.substr(0, space);
    const std::string_view zone = when.substr(space + 1);
    constexpr std::string_view digits = "0123456789";
    // Shorter ones are dates of another kind to git when it is given them.
    return seconds.size() >= 9 && seconds.size() <= 10 && seconds.front() != '0' &&
           seconds.find_first_not_of(digits) == seconds.npos && zone.size() == 5 &&
           (zone[0] == '+' || zone[0] == '-') && zone.substr(1).find_first_not_of(digits) == zone.npos;
}

result<std::string> author_line_of(git_repository& repository, const oid& source)
{
    auto id = from_oid(source);
    if (!id) return id.error();
    commit_ptr commit;
    if (const int code = git_commit_lookup(out(commit), &repository, &*id); code < 0)
        return last_fault(code, "no such commit");
    constexpr std::string_view field = "author ";
    const std::string_view header = git_commit_raw_header(commit.get());
    const auto at = header.find("\nauthor ");
    if (at == header.npos || git_commit_message_encoding(commit.get()))
        return fault(errc::unsupported, "an unusual commit");
    const std::string_view line = header.substr(at + 1 + field.size());
    std::string author(line.substr(0, line.find('\n')));
    if (!is_usual_author(author) || !is_plain_text(author))
        return fault(errc::unsupported, "an unusual author");
    return author;
}

bool is_there(git_repository& repository, const new_objects& made, const oid& wanted, object_kind kind)
{
    const auto is_it = [&](const new_object& one) { return one.id == wanted && one.kind == kind; };
    if (std::ranges::any_of(made.in_memory, is_it)) return true;
    auto id = from_oid(wanted);
    odb_ptr odb;
    if (!id || git_repository_odb(out(odb), &repository) < 0) return false;
    git_object_t type;
    std::size_t size = 0;
    return git_odb_read_header(&size, &type, odb.get(), &*id) == 0 && type == libgit2_type(kind);
}

/// What a commit is made of. Two lines are ready, as far as they do not depend on another commit.
struct plan {
    oid tree;
    std::vector<oid> parents;
    std::optional<oid> author_of;
    std::string author;
    std::string committer;
    std::string message;
};

result<new_object> make_now(git_repository& repository, const plan& planned, const new_objects& made)
{
    std::string text = "tree " + planned.tree.hex() + "\n";
    bool complete = is_there(repository, made, planned.tree, object_kind::tree);
    for (const oid& parent : planned.parents) {
        text += "parent " + parent.hex() + "\n";
        complete = complete && is_there(repository, made, parent, object_kind::commit);
    }
    if (!complete) return fault(errc::not_found, "tree or parents are not at hand");
    std::string author = planned.author;
    if (planned.author_of) {
        auto copied = author_line_of(repository, *planned.author_of);
        if (!copied) return copied.error();
        author = std::move(*copied);
    }
    text += "author " + author + "\ncommitter " + planned.committer + "\n\n" + planned.message;
    git_oid id;
    if (const int code = git_odb_hash(&id, text.data(), text.size(), GIT_OBJECT_COMMIT); code < 0)
        return last_fault(code, "a commit cannot be hashed");
    return new_object{to_oid(id), object_kind::commit, std::move(text)};
}

/// Nullopt: git has to make it.
std::optional<plan> plan_for(const repository& repo, const git_settings& known,
                             const commit_author& author_of)
{
    if (!repo.may_read_directly() || !known.plain_commits) return std::nullopt;
    // As git does with a committer but no author (author.name alone is set, say): it refuses, in its words.
    if (!author_of.source() && known.committer && !known.author) return std::nullopt;
    const std::string now = time_here();
    plan planned;
    planned.author_of = author_of.source();
    planned.author = signed_as(known.author && known.committer ? *known.author : own_identity(), now);
    planned.committer = signed_as(known.committer ? *known.committer : own_identity(), now);
    return planned;
}

bool all_differ(const std::vector<oid>& parents)
{
    return std::set<oid>(parents.begin(), parents.end()).size() == parents.size();
}

} // namespace

awaitable<result<oid>> make_commit(repository& repo, oid tree, std::vector<oid> parents, std::string message,
                                   commit_author author_of, new_objects& into)
{
    auto known = co_await known_settings::of(repo).now(repo);
    std::optional<plan> planned;
    if (known && is_plain_text(message) && all_differ(parents)) planned = plan_for(repo, **known, author_of);
    if (planned) {
        planned->tree = tree;
        planned->parents = parents;
        planned->message = message;
        auto job = [&planned, &into](git_repository& repository) {
            return make_now(repository, *planned, into);
        };
        auto made = co_await repo.direct().run(std::move(job));
        if (made) {
            oid id = made->id;
            into.in_memory.push_back(std::move(*made));
            co_return id;
        }
    }
    co_return co_await commit_by_command(repo, std::move(tree), std::move(parents), std::move(message),
                                         std::move(author_of), into);
}

awaitable<result<oid>> commit_tree(repository& repo, oid tree, std::vector<oid> parents, std::string message,
                                   commit_author author_of)
{
    new_objects made;
    auto id = co_await make_commit(repo, std::move(tree), std::move(parents), std::move(message),
                                   std::move(author_of), made);
    if (!id) co_return id;
    auto written = co_await write_objects(repo, std::move(made));
    if (!written) co_return written.error();
    co_return id;
}

} // namespace graftline::git
