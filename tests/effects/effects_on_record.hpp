/// Small effects whose ends a test decides, and runs of programs over them.
#pragma once

#include "graftline/effects/run/context.hpp"
#include "graftline/runtime/async/shielded.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include "tests/effects/workshop.hpp"

#include <functional>
#include <map>
#include <memory>

namespace graftline::test {

/// What all effects of one program look at: which of them ends when, and how often each was carried out.
struct stage {
    std::map<std::string, int> carried_out;
    std::map<std::string, std::shared_ptr<asio::steady_timer>> bells;
    std::function<void()> on_begin = [] {};

    void end(const std::string& name)
    {
        if (const auto found = bells.find(name); found != bells.end()) found->second->cancel();
    }
    static stage& present()
    {
        static stage one;
        return one;
    }
};

struct said_back {
    std::string text;
};
BOOST_DESCRIBE_STRUCT(said_back, (), (text))

/// Ends with its name when the stage says so, at once where it does not wait.
struct say {
    static constexpr std::string_view kind = "say";
    using outcome = said_back;

    std::string name;
    bool waits = false;
    bool fails = false;
    std::string more;

    awaitable<result<said_back>> carry_out(effects::run&) const
    {
        auto& all = stage::present();
        ++all.carried_out[name];
        if (waits) {
            auto bell = std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor,
                                                             asio::steady_timer::time_point::max());
            all.bells[name] = bell;
            asio::post(bell->get_executor(), all.on_begin); // once it waits
            boost::system::error_code rung;
            co_await bell->async_wait(asio::redirect_error(use_awaitable, rung));
            all.bells.erase(name); // it must not outlive the loop
            const auto state = co_await asio::this_coro::cancellation_state;
            if (state.cancelled() != asio::cancellation_type::none)
                throw boost::system::system_error(asio::error::operation_aborted);
        }
        if (fails) co_return fault(errc::busy, "no " + name).with("name", name).advise("Try again.");
        co_return said_back{name};
    }
};
BOOST_DESCRIBE_STRUCT(say, (), (name, waits, fails, more))

using program = std::function<awaitable<void>(effects::context&)>;

/// The program as the body of a run, new or, with an id, gone on with. It ends as `end` says: as a process
/// that died does (no end is recorded), or orderly. Result: the run's id.
enum class ends { orderly, as_killed };
inline awaitable<std::string> carry_out_program(std::shared_ptr<effects::project> in, std::string id,
                                                program body, ends how)
{
    static effects::observer nobody;
    effects::run_record record;
    record.program = "test";
    auto begun = id.empty() ? co_await effects::run::begin(in, record, nobody)
                            : co_await effects::run::resume(in, id, nobody);
    auto r = std::move(begun.value());
    std::exception_ptr failed;
    try {
        effects::context ctx(*r, "0");
        co_await body(ctx);
    } catch (...) {
        failed = std::current_exception();
    }
    if (how == ends::as_killed)
        (co_await in->journal().flush()).value();
    else
        (co_await r->end()).value();
    if (failed) std::rethrow_exception(failed);
    co_return r->id();
}

} // namespace graftline::test
