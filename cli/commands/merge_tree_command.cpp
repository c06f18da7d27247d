#include "graftline/cli/commands/commands.hpp"
#include "graftline/cli/terminal/failure.hpp"
#include "graftline/cli/terminal/input_lines.hpp"
#include "graftline/cli/terminal/shown_text.hpp"
#include "graftline/git/merge/merge.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/quoted_path.hpp"

#include <boost/asio/this_coro.hpp>

namespace graftline::cli {
namespace {

/// The words of a line; blanks separate them.
std::vector<std::string> words_of(const std::string& line)
{
    std::vector<std::string> words;
    for (std::size_t at = 0; (at = line.find_first_not_of(" \t\r", at)) != line.npos;) {
        const auto end = std::min(line.find_first_of(" \t\r", at), line.size());
        words.push_back(line.substr(at, end - at));
        at = end;
    }
    return words;
}

/// Merges as `git merge-tree --write-tree` does: what is clean is in the repository afterwards.
awaitable<result<git::merge_outcome>> merge(git::repository& repo, std::string ours, std::string theirs)
{
    auto one = co_await git::resolve(repo, std::move(ours));
    if (!one) co_return one.error();
    auto other = co_await git::resolve(repo, std::move(theirs));
    if (!other) co_return other.error();
    auto merged = co_await git::merge_commits(repo, *one, *other);
    if (!merged || !merged->clean()) co_return merged;
    auto written = co_await git::write_objects(repo, std::move(merged->objects));
    if (!written) co_return written.error();
    merged->objects = {};
    co_return merged;
}

/// Git's own words are what tells most of a merge that it refuses; one line of it.
std::string in_one_line(const fault& f)
{
    std::string text = f.what();
    for (const auto& [key, value] : f.context())
        if (key == "git says") text += ": " + value;
    return harmless_line(text);
}

/// As git quotes paths in this repository, asked for at the first conflict.
class quoting {
public:
    explicit quoting(git::repository& repo) : repo_(repo) {}

    awaitable<std::string> quoted(std::string path, bool spaces_too)
    {
        if (!all_bytes_) {
            const auto said = co_await repo_.ask("config", "--type=bool", "--default=true", "core.quotePath");
            all_bytes_ = !said || *said != "false";
        }
        co_return git::quoted_path(path, *all_bytes_, spaces_too);
    }

private:
    git::repository& repo_;
    std::optional<bool> all_bytes_;
};

awaitable<int> merge_one(session& s, git::repository& repo, merge_tree_arguments asked)
{
    auto merged = co_await merge(repo, std::move(asked.ours), std::move(asked.theirs));
    if (!merged) {
        s.err().write(message_of(merged.error()));
        const int status = exit_status_of(merged.error());
        // 1 says that there are conflicts, nothing else.
        co_return status == exit_status::not_all ? exit_status::unusable : status;
    }
    if (merged->clean()) {
        s.print_bytes(merged->tree.hex() + "\n");
        co_return exit_status::done;
    }
    quoting names(repo);
    std::string lines;
    for (const auto& conflict : merged->conflicts)
        lines += co_await names.quoted(conflict.path, false) + "\n";
    s.print_bytes(lines);
    co_return exit_status::not_all;
}

awaitable<std::string> answer_line(git::repository& repo, quoting& names, std::string line, bool& failed)
{
    auto words = words_of(line);
    failed = words.size() != 2;
    if (failed) co_return "error not two revisions: " + harmless_line(line);
    auto merged = co_await merge(repo, std::move(words[0]), std::move(words[1]));
    failed = !merged;
    if (failed) co_return "error " + in_one_line(merged.error());
    if (merged->clean()) co_return merged->tree.hex();
    std::string text = "conflict";
    for (const auto& conflict : merged->conflicts)
        text += " " + co_await names.quoted(conflict.path, true);
    co_return text;
}

awaitable<int> merge_lines(session& s, git::repository& repo)
{
    input_lines input(co_await asio::this_coro::executor);
    quoting names(repo);
    int status = exit_status::done;
    for (;;) {
        auto line = (co_await input.next()).value();
        if (!line) co_return status;
        bool failed = false;
        const std::string said = co_await answer_line(repo, names, std::move(*line), failed);
        if (failed) status = exit_status::not_all;
        s.print_bytes(said + "\n");
        if (s.out().error() != 0) co_return status; // nobody reads it
    }
}

} // namespace

awaitable<int> carry_out(session& s, merge_tree_arguments asked)
{
    std::error_code failed;
    auto here = std::filesystem::current_path(failed);
    if (failed) throw fault_error(fault(errc::unusable, "the folder that we are in is gone"));
    auto repo = (co_await git::repository::discover(std::move(here))).value();
    if (asked.from_input) co_return co_await merge_lines(s, *repo);
    co_return co_await merge_one(s, *repo, std::move(asked));
}

} // namespace graftline::cli
