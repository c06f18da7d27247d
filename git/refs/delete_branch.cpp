#include "graftline/git/refs/delete_branch.hpp"

#include "graftline/git/refs/branch_use.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/runtime/async/shielded.hpp"

#include <algorithm>
#include <cctype>

namespace graftline::git {
namespace {

/// A branch's settings go with it, as `git branch -D` does it. There may be none: most often no branch has
/// any.
awaitable<void> forget_settings(repository& repo, std::string branch)
{
    std::string text = text_of(repo.common_dir() / "config");
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    if (text.find("[branch") == text.npos && text.find("[include") == text.npos) co_return;
    auto some = co_await run(repo.git("config", "--local", "--get-regexp", "^branch\\."));
    if (!some || some->out.find("branch." + branch + ".") == std::string::npos) co_return;
    co_await run(repo.git("config", "--local", "--remove-section", "branch." + branch));
}

/// Must not be interrupted: a branch that is in use after all comes back.
awaitable<result<bool>> delete_unused(repository& repo, std::string branch, oid seen_tip)
{
    const std::string fullname = "refs/heads/" + branch;
    auto gone = co_await delete_ref(repo, fullname, seen_tip);
    if (!gone) {
        auto now = co_await read_ref(repo, fullname);
        if (now && *now && **now != seen_tip) co_return false;
        co_return gone.error();
    }
    // Somebody may have switched to it just before: git looks at a branch only at the start of a switch.
    auto uses = co_await find_uses_of(repo, fullname);
    if (!uses || !uses->empty()) {
        auto back =
            co_await update_ref(repo, fullname, seen_tip, oid(std::string(seen_tip.hex().size(), '0')),
                                "graftline: in use again");
        if (!back && !back.error().is(errc::moved)) co_return back.error();
        co_return false;
    }
    co_await forget_settings(repo, branch);
    co_return true;
}

} // namespace

awaitable<result<bool>> delete_branch(repository& repo, std::string branch, oid seen_tip)
{
    const std::string fullname = "refs/heads/" + branch;
    auto held = co_await repo.lock().acquire();
    if (!held) co_return held.error();
    auto uses = co_await find_uses_of(repo, fullname);
    if (!uses) co_return uses.error();
    if (!uses->empty()) co_return false;
    auto tip = co_await read_ref(repo, fullname);
    if (!tip) co_return tip.error();
    if (!*tip) co_return true;
    if (**tip != seen_tip) co_return false;

    co_return co_await shielded(delete_unused(repo, std::move(branch), std::move(seen_tip)));
}

} // namespace graftline::git
