#include "graftline/effects/landing_target.hpp"

#include "graftline/git/naming.hpp"
#include "graftline/git/refs.hpp"

namespace graftline::effects {

landing_target landing_target_of(const task& t)
{
    if (t.spec.target.empty() && t.spec.into.empty())
        throw fault_error(fault(errc::invalid, "there is no branch to land on: HEAD is detached")
                              .with("task", t.id)
                              .advise("Name one: --target BRANCH"));
    if (t.spec.into.empty() || t.spec.into == t.spec.target) return {t.spec.target, {}};
    git::check_branch_name(t.spec.into).value();
    return {t.spec.into, t.spec.target};
}

awaitable<result<void>> make_target(run& r, landing_target target)
{
    if (target.begins_at.empty()) co_return result<void>();
    auto& repo = r.repository();
    const std::string ref = "refs/heads/" + target.branch;
    const auto there = co_await git::read_ref(repo, ref);
    if (!there) co_return there.error();
    if (*there) co_return result<void>();
    auto start = co_await git::resolve(repo, "refs/heads/" + target.begins_at);
    if (!start) co_return start.error();
    auto made = co_await git::update_ref(repo, ref, std::move(*start), git::oid(),
                                         "graftline: land here instead of " + target.begins_at);
    if (!made && made.error().is(errc::moved)) co_return result<void>(); // somebody has made it
    co_return made;
}

awaitable<result<std::string>> landing_tip(run& r, task t)
{
    if (!t.spec.into.empty()) {
        const std::string ref = "refs/heads/" + t.spec.into;
        const auto there = co_await git::read_ref(r.repository(), ref);
        if (!there) co_return there.error();
        if (*there) co_return ref;
    }
    co_return t.spec.target.empty() ? std::string("HEAD") : "refs/heads/" + t.spec.target;
}

} // namespace graftline::effects
