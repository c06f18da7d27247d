#include "graftline/effects/landing/candidate.hpp"

#include "graftline/git/commits/make_commit.hpp"
#include "graftline/git/landing/lost_update.hpp"
#include "graftline/git/merge/merge.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/failure_words.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"

namespace graftline::effects {
namespace {

landing there_already(const git::oid& commit, std::string why)
{
    return {verdict::up_to_date, commit.hex(), {}, {}, std::move(why), {}};
}

landing conflict(const std::vector<git::merge_conflict>& conflicts, const std::string& in = {})
{
    landing l{verdict::conflicted, {}, {}, {}, {}, {}};
    for (const auto& c : conflicts) {
        l.paths.push_back(c.path);
        l.why += (l.why.empty() ? "" : ", ") + c.path + " (" + c.kind + ")";
    }
    l.why = "conflicts with the target in " + l.why + in;
    return l;
}

/// What would be taken back, a few lines of it: enough to see what it is about.
landing lost_update(const std::vector<git::undone_lines>& undone)
{
    constexpr std::size_t most_files = 5, most_lines = 4;
    landing l{verdict::conflicted, {}, {}, {}, {}, {}};
    l.why = "would take back what landed since it began, without having touched it:";
    for (const auto& file : undone) {
        l.paths.push_back(file.path);
        if (l.paths.size() > most_files) continue;
        l.why += "\n" + file.path;
        if (!file.landed_by.empty()) l.why += " (from " + file.landed_by.substr(0, 10) + ")";
        for (std::size_t i = 0; i < file.lines.size() && i < most_lines; ++i)
            l.why += "\n  " + file.lines[i];
        if (file.lines.size() > most_lines)
            l.why += "\n  and " + std::to_string(file.lines.size() - most_lines) + " more lines";
    }
    if (undone.size() > most_files)
        l.why += "\nand " + std::to_string(undone.size() - most_files) + " more files";
    l.why += "\nIf it is meant: graftline land --allow-undo";
    return l;
}

/// One change being put on one commit.
class placing {
public:
    placing(run& r, const landing_request& what, git::oid onto)
        : repo_(r.repository()), what_(what), onto_(std::move(onto))
    {
    }

    awaitable<result<placed>> put()
    {
        if (what_.from) co_return co_await put_difference();
        const auto has_it = co_await git::is_ancestor(repo_, what_.tip, onto_);
        if (!has_it) co_return has_it.error();
        if (*has_it) co_return there_already(what_.tip, "the target has it already");
        auto put = co_await put_work();
        if (!put || !std::holds_alternative<candidate>(*put) || what_.may_undo) co_return put;
        const auto& made = std::get<candidate>(*put);
        const auto undone = co_await git::lines_undone(repo_, what_.started_at, onto_, what_.tip, made.tree);
        if (!undone) co_return undone.error();
        if (!undone->empty()) co_return lost_update(*undone);
        co_return put;
    }

private:
    awaitable<result<placed>> put_work()
    {
        const bool straight = what_.may_forward || what_.mode == land_mode::rebase;
        if (straight && what_.mode != land_mode::squash) {
            const auto forward = co_await git::is_ancestor(repo_, onto_, what_.tip);
            if (!forward) co_return forward.error();
            if (*forward) co_return co_await as_it_is();
        }
        if (what_.mode == land_mode::rebase) co_return co_await replay();
        co_return co_await merge();
    }

    awaitable<result<placed>> as_it_is()
    {
        auto tree = co_await git::tree_of(repo_, what_.tip);
        if (!tree) co_return tree.error();
        co_return co_await keep({onto_, what_.tip, std::move(*tree), {}}, {});
    }

    awaitable<result<placed>> merge()
    {
        auto merged = co_await git::merge_commits(repo_, onto_, what_.tip);
        if (!merged) co_return merged.error();
        if (!merged->clean()) co_return conflict(merged->conflicts);
        std::vector<git::oid> parents{onto_};
        if (what_.mode == land_mode::merge) parents.push_back(what_.tip);
        co_return co_await commit(std::move(*merged), std::move(parents));
    }

    awaitable<result<placed>> put_difference()
    {
        auto merged = co_await git::merge_on_base(repo_, *what_.from, onto_, what_.tip);
        if (!merged) co_return merged.error();
        if (!merged->clean()) co_return conflict(merged->conflicts);
        std::vector<git::oid> parents{onto_};
        co_return co_await commit(std::move(*merged), std::move(parents));
    }

    awaitable<result<placed>> commit(git::merge_outcome merged, std::vector<git::oid> parents)
    {
        // Squashed before, by us or by somebody else: an empty commit would say nothing.
        const auto present = co_await git::tree_of(repo_, onto_);
        if (!present) co_return present.error();
        if (*present == merged.tree) co_return there_already(onto_, "the target has these changes already");
        auto author = what_.keep_author ? git::commit_author::copy_of(what_.tip) : git::commit_author();
        auto made = co_await git::make_commit(repo_, merged.tree, std::move(parents), what_.message,
                                              std::move(author), merged.objects);
        if (!made) co_return made.error();
        co_return co_await keep({onto_, std::move(*made), merged.tree, {}}, std::move(merged.objects));
    }

    awaitable<result<placed>> keep(candidate c, git::new_objects made)
    {
        auto kept = co_await git::kept_objects::keep(repo_, std::move(made), c.commit, c.onto);
        if (!kept && git::says_damaged(kept.error().message())) co_return has_gaps(kept.error());
        if (!kept) co_return kept.error();
        c.kept = std::make_shared<git::kept_objects>(std::move(*kept));
        co_return c;
    }

    /// The target would have a history that does not read.
    fault has_gaps(const fault& why) const
    {
        fault gaps(errc::refused, "its commits cannot land: objects that they need are missing");
        for (const auto& [key, words] : why.context())
            if (key == "git says") gaps.with(key, words);
        if (what_.mode == land_mode::squash) return gaps;
        return std::move(gaps).advise(
            "To land its files as one commit, without the older ones: graftline land " + what_.task +
            " --mode squash");
    }

    /// Each commit of its own on the one before it, as `git rebase` does: merges are left out, and so is what
    /// the target has.
    awaitable<result<placed>> replay()
    {
        const auto list =
            co_await repo_.ask("rev-list", "--reverse", "--topo-order", "--no-merges", "--cherry-pick",
                               "--right-only", onto_.hex() + "..." + what_.tip.hex(), "--");
        if (!list) co_return list.error();
        auto tree = co_await git::tree_of(repo_, onto_);
        if (!tree) co_return tree.error();
        candidate top{onto_, onto_, std::move(*tree), {}};
        for (const auto& hex : git::records_of(*list, '\n')) {
            auto next = co_await replay_one(git::oid(hex), top);
            if (!next) co_return next.error();
            if (const auto* stopped = std::get_if<landing>(&*next)) co_return *stopped;
            top = std::get<candidate>(*next);
        }
        if (top.commit == onto_) co_return there_already(onto_, "the target has these changes already");
        co_return top;
    }

    awaitable<result<placed>> replay_one(git::oid commit, candidate top)
    {
        const auto parent = co_await repo_.ask("rev-parse", "--verify", "--quiet", commit.hex() + "^");
        if (!parent)
            co_return fault(errc::refused, "a commit without a parent cannot be rebased")
                .with("commit", commit.hex())
                .advise("Land it as a merge or a squash: --mode merge");
        auto merged = co_await git::merge_on_base(repo_, git::oid(*parent), top.commit, commit);
        if (!merged) co_return merged.error();
        if (!merged->clean()) co_return conflict(merged->conflicts, ", at its commit " + commit.short_hex());
        if (top.tree == merged->tree) co_return top; // nothing of it is new here
        auto message = co_await repo_.ask("log", "-1", "--format=%B", commit.hex(), "--");
        if (!message) co_return message.error();
        std::vector<git::oid> parents{top.commit};
        auto made = co_await git::make_commit(repo_, merged->tree, std::move(parents), *message + "\n",
                                              git::commit_author::copy_of(commit), merged->objects);
        if (!made) co_return made.error();
        auto kept =
            co_await keep({top.commit, std::move(*made), merged->tree, {}}, std::move(merged->objects));
        if (!kept) co_return kept.error();
        auto next = std::get<candidate>(std::move(*kept));
        if (top.kept) next.kept->join(std::move(*top.kept));
        next.onto = onto_;
        co_return next;
    }

    git::repository& repo_;
    const landing_request& what_;
    git::oid onto_;
};

} // namespace

awaitable<result<placed>> place(run& r, landing_request what, git::oid onto)
{
    placing one(r, what, std::move(onto));
    co_return co_await one.put();
}

} // namespace graftline::effects
