#include "graftline/runtime/process/command_time.hpp"

#include "graftline/runtime/process/child.hpp"
#include "graftline/runtime/process/process_tree.hpp"

#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <map>

namespace graftline {
namespace {

using namespace std::chrono_literals;
using steady = command_times::clock;

constexpr auto grace = 5s; // between TERM and KILL
constexpr auto first_notice = 10s;

class command_times_service : public asio::execution_context::service {
public:
    using key_type = command_times_service;
    static asio::execution_context::id id;

    explicit command_times_service(asio::execution_context& context) : service(context) {}
    const std::shared_ptr<command_times>& times() const noexcept { return times_; }

private:
    void shutdown() override {}
    std::shared_ptr<command_times> times_ = std::make_shared<command_times>();
};

asio::execution_context::id command_times_service::id;

std::vector<std::string> words_of(pid_t pid)
{
    std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline", std::ios::binary);
    std::vector<std::string> words;
    for (std::string word; std::getline(file, word, '\0');)
        words.push_back(std::move(word));
    return words;
}

std::string program_in(const std::vector<std::string>& words)
{
    return words.empty() ? std::string() : std::filesystem::path(words.front()).filename().string();
}

} // namespace

std::shared_ptr<command_times> command_times::of(const asio::any_io_executor& executor)
{
    auto& context = asio::query(executor, asio::execution::context);
    return asio::use_service<command_times_service>(context).times();
}

command_times::lease command_times::end_at(steady::time_point end, predicate is_meant)
{
    const std::lock_guard lock(guard_);
    const auto at = limits_.insert(limits_.end(), {end, std::move(is_meant)});
    return lease(nullptr, [self = shared_from_this(), at](void*) {
        const std::lock_guard removing(self->guard_);
        self->limits_.erase(at);
    });
}

command_times::lease command_times::tell(listener heard)
{
    const std::lock_guard lock(guard_);
    const auto at = listeners_.insert(listeners_.end(), std::move(heard));
    return lease(nullptr, [self = shared_from_this(), at](void*) {
        const std::lock_guard removing(self->guard_);
        self->listeners_.erase(at);
    });
}

steady::time_point command_times::end_of(const command& what, steady::time_point latest) const
{
    const std::lock_guard lock(guard_);
    for (const limit& one : limits_)
        if (one.end < latest && one.is_meant(what)) latest = one.end;
    return latest;
}

void command_times::tell_all(const slow_command& slow) const
{
    std::list<listener> all;
    {
        const std::lock_guard lock(guard_);
        all = listeners_;
    }
    for (const listener& one : all)
        one(slow);
}

struct command_time::state : std::enable_shared_from_this<state> {
    state(const asio::any_io_executor& executor, child& program, command what)
        : all(command_times::of(executor)), program(&program), what(std::move(what)), next(executor)
    {
        set_end();
    }

    void set_end()
    {
        const auto own = what.longest();
        end = all->end_of(what, own ? begun + *own : steady::time_point::max());
    }

    void wait()
    {
        next.expires_at(std::min(end, notice));
        if (next.expiry() == steady::time_point::max()) return;
        next.async_wait([self = weak_from_this()](error_code stopped) {
            if (const auto alive = self.lock(); alive && !stopped && alive->program) alive->look();
        });
    }

    void look()
    {
        if (steady::now() >= end) {
            if (!asked) overdue = program_waited_for(program->pid());
            program->signal_tree(asked ? SIGKILL : SIGTERM);
            if (std::exchange(asked, true)) return;
            notice = steady::time_point::max();
            end = steady::now() + grace;
        } else {
            all->tell_all({what, std::chrono::floor<std::chrono::seconds>(steady::now() - begun),
                           program_waited_for(program->pid())});
            notice = begun + 2 * (notice - begun);
        }
        wait();
    }

    std::shared_ptr<command_times> all;
    child* program;
    command what;
    asio::steady_timer next;
    steady::time_point begun = steady::now();
    steady::time_point end = steady::time_point::max();
    steady::time_point notice = begun + first_notice;
    bool asked = false;
    std::vector<std::string> overdue;
};

command_time::command_time(const asio::any_io_executor& executor, child& program, const command& what)
    : state_(std::make_shared<state>(executor, program, what))
{
    state_->wait();
}

void command_time::rest()
{
    if (state_->asked) return;
    state_->end = state_->all->end_of(state_->what, steady::time_point::max());
    state_->notice = steady::time_point::max();
    state_->wait();
}

void command_time::go_on()
{
    if (state_->asked) return;
    state_->begun = steady::now();
    state_->notice = state_->begun + first_notice;
    state_->set_end();
    state_->wait();
}

command_time::~command_time()
{
    state_->program = nullptr;
    state_->next.cancel();
}

const std::vector<std::string>& command_time::overdue() const noexcept
{
    return state_->overdue;
}

std::vector<std::string> program_waited_for(pid_t pid)
{
    std::map<pid_t, std::pair<std::uint64_t, pid_t>> youngest; // child of each parent
    for (const pid_t one : descendants_of(pid)) {
        const auto facts = facts_of(one);
        if (!facts || facts->state == 'Z') continue;
        auto& known = youngest[facts->parent];
        known = std::max(known, std::pair(facts->start_time, one));
    }
    const std::string own = program_in(words_of(pid));
    pid_t at = pid;
    while (youngest.contains(at)) {
        at = youngest.at(at).second;
        if (program_in(words_of(at)) != own) break;
    }
    auto words = words_of(at);
    return words.empty() ? words_of(pid) : words;
}

} // namespace graftline
