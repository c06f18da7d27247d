#include "graftline/runtime/base/clock.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cstdio>

namespace graftline {
namespace {

class machine_clock : public clock {
public:
    utc_time now() const override
    {
        return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    }
    steady_time steady_now() const override { return std::chrono::steady_clock::now(); }
    awaitable<void> wait_until(steady_time when) override
    {
        asio::steady_timer timer(co_await asio::this_coro::executor, when);
        co_await timer.async_wait(use_awaitable);
    }
};

/// Reads exactly `digits` digits off the front of `text`. None leaves `text` in an unknown state.
std::optional<int> take_number(std::string_view& text, std::size_t digits)
{
    if (text.size() < digits) return std::nullopt;
    int number = 0;
    for (const char c : text.substr(0, digits)) {
        if (c < '0' || c > '9') return std::nullopt;
        number = number * 10 + (c - '0');
    }
    text.remove_prefix(digits);
    return number;
}

bool take(std::string_view& text, char expected)
{
    if (text.empty() || text.front() != expected) return false;
    text.remove_prefix(1);
    return true;
}

std::optional<std::chrono::sys_days> take_date(std::string_view& text)
{
    const auto year = take_number(text, 4);
    if (!year || !take(text, '-')) return std::nullopt;
    const auto month = take_number(text, 2);
    if (!month || !take(text, '-')) return std::nullopt;
    const auto day = take_number(text, 2);
    if (!day) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(*year),
                                           std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok()) return std::nullopt;
    return std::chrono::sys_days(date);
}

std::optional<std::chrono::seconds> take_time(std::string_view& text)
{
    const auto hours = take_number(text, 2);
    if (!hours || *hours > 23 || !take(text, ':')) return std::nullopt;
    const auto minutes = take_number(text, 2);
    if (!minutes || *minutes > 59 || !take(text, ':')) return std::nullopt;
    const auto seconds = take_number(text, 2);
    if (!seconds || *seconds > 59) return std::nullopt;
    return std::chrono::hours(*hours) + std::chrono::minutes(*minutes) + std::chrono::seconds(*seconds);
}

/// ".678" as milliseconds; further digits are dropped. Without a point: 0.
std::optional<std::chrono::milliseconds> take_fraction(std::string_view& text)
{
    if (!take(text, '.')) return std::chrono::milliseconds(0);
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0 || digits > 9) return std::nullopt;
    std::string thousandths(text.substr(0, std::min<std::size_t>(digits, 3)));
    thousandths.resize(3, '0');
    text.remove_prefix(digits);
    return std::chrono::milliseconds(std::stoi(thousandths));
}

/// A timer that never expires, and rings by being cancelled; known to its clock while it lives.
class bell : public asio::steady_timer {
public:
    bell(std::vector<asio::steady_timer*>& all, const asio::any_io_executor& executor)
        : asio::steady_timer(executor, time_point::max()), all_(all)
    {
        all_.push_back(this);
    }
    ~bell() { std::erase(all_, this); }

private:
    std::vector<asio::steady_timer*>& all_;
};

} // namespace

clock& real_clock()
{
    static machine_clock the_clock;
    return the_clock;
}

awaitable<void> manual_clock::wait_until(steady_time when)
{
    bell mine(bells_, co_await asio::this_coro::executor);
    while (steady_ < when) {
        const auto moves = moves_;
        co_await mine.async_wait(asio::as_tuple(use_awaitable));
        if (moves == moves_) throw boost::system::system_error(asio::error::operation_aborted);
    }
}

void manual_clock::advance(std::chrono::milliseconds span)
{
    now_ += span;
    steady_ += span;
    ++moves_;
    for (auto* sleeping : bells_)
        sleeping->cancel();
}

std::string to_iso8601(utc_time when)
{
    const auto day = std::chrono::floor<std::chrono::days>(when);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(when - day);
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                  static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
    return text;
}

std::optional<utc_time> from_iso8601(std::string_view text)
{
    const auto date = take_date(text);
    if (!date || !take(text, 'T')) return std::nullopt;
    const auto time = take_time(text);
    if (!time) return std::nullopt;
    const auto fraction = take_fraction(text);
    if (!fraction || text != "Z") return std::nullopt;
    return *date + *time + *fraction;
}

} // namespace graftline
