#include "graftline/effects/landing/landing_target.hpp"

#include "graftline/effects/db/stored_json.hpp"
#include "graftline/git/naming/naming.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/runtime/base/json_text.hpp"

namespace graftline::effects {

landing_target landing_target_of(const std::string& task, const task_spec& spec)
{
    if (spec.target.empty() && spec.into.empty())
        throw fault_error(fault(errc::invalid, "there is no branch to land on: HEAD is detached")
                              .with("task", task)
                              .advise("Name one: --target BRANCH"));
    if (spec.into.empty() || spec.into == spec.target) return {spec.target, {}};
    git::check_branch_name(spec.into).value();
    return {spec.into, spec.target};
}

task_spec as_begun(run& r, const std::string& path, task_spec spec)
{
    if (r.record().revision > 0 || spec.into.empty() || spec.into != spec.target) return spec;
    const auto asked = r.past().arguments_below(path, "land");
    if (!asked) return spec;
    const auto arguments = parse_json(*asked);
    const auto* target = arguments ? arguments->as_object().if_contains("target") : nullptr;
    const auto then = target ? from_stored<landing_target>(*target) : landing_target();
    if (then && !then->begins_at.empty()) spec.target = then->begins_at;
    return spec;
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
