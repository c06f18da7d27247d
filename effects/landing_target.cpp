#include "graftline/effects/landing_target.hpp"

#include "graftline/git/naming.hpp"
#include "graftline/git/refs.hpp"

namespace graftline::effects {

awaitable<std::string> landing_target(run& r, task t)
{
    if (t.spec.target.empty() && t.spec.into.empty())
        throw fault_error(fault(errc::invalid, "there is no branch to land on: HEAD is detached")
                              .with("task", t.id)
                              .advise("Name one: --target BRANCH"));
    if (t.spec.into.empty() || t.spec.into == t.spec.target) co_return t.spec.target;
    git::check_branch_name(t.spec.into).value();
    auto& repo = r.repository();
    const std::string ref = "refs/heads/" + t.spec.into;
    if ((co_await git::read_ref(repo, ref)).value()) co_return t.spec.into;
    const auto start = (co_await git::resolve(repo, "refs/heads/" + t.spec.target)).value();
    const auto made = co_await git::update_ref(repo, ref, start, git::oid(),
                                               "graftline: land here instead of " + t.spec.target);
    if (!made && !made.error().is(errc::moved))
        throw fault_error(made.error()); // moved: somebody has made it
    co_return t.spec.into;
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
