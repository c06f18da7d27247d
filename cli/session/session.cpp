#include "graftline/cli/session/session.hpp"

#include "graftline/cli/terminal/shown_text.hpp"
#include "graftline/effects/operations/after_boot.hpp"
#include "graftline/effects/operations/operations.hpp"
#include "graftline/effects/operations/rebuild_store.hpp"
#include "graftline/effects/worktree/follow_worktree.hpp"
#include "graftline/runtime/base/json_text.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace graftline::cli {

namespace {

std::string counted(std::size_t tasks)
{
    return std::to_string(tasks) + (tasks == 1 ? " task was" : " tasks were");
}

} // namespace

session::session(asio::io_context& loop, const common_arguments& common)
    : out_(STDOUT_FILENO, common.color), err_(STDERR_FILENO, common.color), log_(common.verbose),
      signals_(loop)
{
    if (common.verbose) err_.never_redraw(); // live lines and log lines would write over each other
}

awaitable<std::shared_ptr<effects::project>> session::open()
{
    std::error_code failed;
    auto here = std::filesystem::current_path(failed);
    if (failed) throw fault_error(fault(errc::unusable, "the folder that we are in is gone"));
    co_return (co_await effects::project::open(std::move(here))).value();
}

awaitable<std::shared_ptr<effects::project>> session::open_to_read()
{
    ::setenv("GIT_NO_LAZY_FETCH", "1", 1);        // git 2.45 and later
    ::setenv("GIT_ALLOW_PROTOCOL", "nothing", 1); // others begin to fetch, and get no further
    return open();
}

awaitable<std::shared_ptr<effects::project>> session::open_to_change()
{
    auto in = co_await open();
    co_await put_right(in);
    co_return in;
}

awaitable<std::shared_ptr<effects::project>> session::open_beside(std::vector<std::string> handles)
{
    auto in = co_await open();
    const auto all_live = [&](effects::store& s) {
        return std::ranges::all_of(handles, [&](const std::string& handle) {
            return effects::run::is_alive(*in, s.resolve(handle).owner);
        });
    };
    const auto live = in->has_state() ? co_await in->stored(all_live) : result<bool>(false);
    if (!live || !*live) co_await put_right(in); // which says what is wrong
    co_return in;
}

awaitable<void> session::put_right(std::shared_ptr<effects::project> in)
{
    log_.open(in->state_folder());
    if (in->has_state()) {
        auto reconciled = co_await reconcile(in);
        if (!reconciled && reconciled.error().is(errc::corrupt) && co_await rebuilt(in))
            reconciled = co_await reconcile(in);
        const auto released = reconciled.value();
        if (released > 0)
            err_.write("graftline: " + counted(released) +
                       " left by a run that died; see graftline status\n");
    }
}

awaitable<result<std::size_t>> session::reconcile(std::shared_ptr<effects::project> in)
{
    const auto recovered = co_await effects::recover_after_boot(in);
    if (!recovered) co_return recovered.error();
    for (const auto& sentence : *recovered)
        err_.write("graftline: " + harmless_line(sentence) + "\n");
    co_return co_await effects::reconcile(in);
}

awaitable<bool> session::rebuilt(std::shared_ptr<effects::project> in)
{
    const auto done = (co_await effects::rebuild_store(in)).value();
    if (!done) co_return false;
    std::string text = "graftline: the state database was ";
    text += done->aside.empty()
                ? "gone; "
                : (done->went_back ? "without its latest changes" : "damaged") +
                      std::string(". It lies in ") + harmless_line(done->aside.string()) + " now; ";
    if (done->kept > 0) text += counted(done->kept) + " as before, ";
    text += counted(done->found) + " found again in the repository: graftline status\n";
    for (const auto& row : done->bad)
        text += "graftline: damaged was the row " + harmless_line(row) + "\n";
    // The runs that they belonged to are not known any more, or not how far they had come.
    const auto open = co_await in->must_store([](effects::store& s) {
        return s.tasks_in({effects::task_state::pending, effects::task_state::failed});
    });
    std::string ids;
    for (const auto& t : open)
        ids += " " + t.id;
    if (!ids.empty())
        text += "graftline: their runs cannot be gone on with. To carry out what had not ended: graftline "
                "retry" +
                ids + "\n";
    err_.write(text);
    co_return true;
}

awaitable<effects::task> session::find(effects::project& in, std::string handle)
{
    if (!in.has_state())
        throw fault_error(fault(errc::not_found, "there is no task '" + handle + "'")
                              .advise("graftline has carried nothing out in this repository yet."));
    auto t = co_await in.must_store([&](effects::store& s) { return s.resolve(handle); });
    auto now = effects::located(in.repository(), t);
    co_return now ? std::move(*now) : std::move(t); // what is wrong there is said by what needs it
}

awaitable<std::vector<effects::task>> session::find(effects::project& in, std::vector<std::string> handles)
{
    std::vector<effects::task> found;
    for (auto& handle : handles) {
        auto t = co_await find(in, std::move(handle));
        const bool twice = std::ranges::any_of(found, [&](const auto& other) { return other.id == t.id; });
        if (!twice) found.push_back(std::move(t));
    }
    co_return found;
}

void session::print_json(const boost::json::value& document)
{
    out_.write_as_it_is(public_text(document) + "\n");
}

} // namespace graftline::cli
