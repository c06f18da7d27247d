#include "graftline/bench/journal.hpp"

#include "graftline/effects/run/context.hpp"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>

namespace graftline::bench {
namespace {

using clock = std::chrono::steady_clock;

struct number {
    std::int64_t n = 0;
};
BOOST_DESCRIBE_STRUCT(number, (), (n))

/// Does nothing, and counts as if it did something: it begins only when its request is committed.
struct nothing {
    static constexpr std::string_view kind = "nothing";
    using outcome = number;
    std::int64_t n = 0;
    awaitable<result<number>> carry_out(effects::run&) const { co_return number{n}; }
};
BOOST_DESCRIBE_STRUCT(nothing, (), (n))

/// The same, and says that it changes nothing outside.
struct pure_nothing {
    static constexpr std::string_view kind = "pure_nothing";
    static constexpr bool is_pure = true;
    using outcome = number;
    std::int64_t n = 0;
    awaitable<result<number>> carry_out(effects::run&) const { co_return number{n}; }
};
BOOST_DESCRIBE_STRUCT(pure_nothing, (), (n))

template <class E> awaitable<void> one_by_one(effects::context& ctx, std::int64_t count)
{
    for (std::int64_t i = 0; i < count; ++i)
        co_await ctx.perform(E{i});
}

/// A thousand strands that take their share.
awaitable<void> at_once(effects::context& ctx, std::int64_t count)
{
    const std::int64_t strands = std::min<std::int64_t>(count, 1000);
    std::vector<std::int64_t> shares(static_cast<std::size_t>(strands), count / strands);
    auto work = [](effects::context& own, std::int64_t share) { return one_by_one<nothing>(own, share); };
    auto outcomes = co_await ctx.parallel.map(std::move(shares), work);
    for (auto& o : outcomes)
        o.value();
}

using program = std::function<awaitable<void>(effects::context&)>;

effects::observer& nobody()
{
    static effects::observer silent;
    return silent;
}

double seconds_since(clock::time_point begin)
{
    return std::chrono::duration<double>(clock::now() - begin).count();
}

struct measured {
    double live = 0;   ///< seconds
    double resume = 0; ///< seconds, all answered from the journal
    double bytes = 0;  ///< of the database
};

awaitable<measured> measure(const std::filesystem::path& place, const std::string& name,
                            const char* durability, program body)
{
    const auto top = co_await make_repository(place, name, 1);
    std::ofstream(top / "graftline.toml") << "[run]\ndurability = \"" << durability << "\"\n";
    measured m;
    std::string id;
    {
        auto in = (co_await effects::project::open(top)).value();
        auto r = (co_await effects::run::begin(in, effects::run_record(), nobody())).value();
        id = r->id();
        const auto begin = clock::now();
        effects::context ctx(*r, "0");
        co_await body(ctx);
        (co_await in->journal().flush()).value();
        m.live = seconds_since(begin);
    }
    auto in = (co_await effects::project::open(top)).value();
    const auto begin = clock::now();
    auto r = (co_await effects::run::resume(in, id, nobody())).value();
    {
        effects::context ctx(*r, "0");
        co_await body(ctx);
    }
    m.resume = seconds_since(begin);
    (co_await r->end()).value();
    effects::database(in->state_folder() / "state.db").execute("PRAGMA wal_checkpoint(TRUNCATE)");
    m.bytes = static_cast<double>(std::filesystem::file_size(in->state_folder() / "state.db"));
    std::filesystem::remove_all(top);
    co_return m;
}

/// The same records, each effect's committed and synced by itself, without a program around.
double synced_each(const std::filesystem::path& place, std::int64_t count)
{
    const auto folder = place / "synced";
    effects::store tables(folder);
    effects::database db(folder / "state.db", effects::database::commits::survive_power);
    effects::journal_inserter into(db, folder);
    const auto begin = clock::now();
    for (std::int64_t i = 0; i < count; ++i) {
        effects::transaction whole(db);
        for (const auto event : {effects::journal_event::requested, effects::journal_event::started,
                                 effects::journal_event::resolved, effects::journal_event::delivered})
            into.insert({0, i, 1, event, "0." + std::to_string(i), "nothing", i, "{\"n\":1}"});
        whole.commit();
    }
    const double taken = seconds_since(begin);
    std::filesystem::remove_all(folder);
    return static_cast<double>(count) / taken;
}

std::string rate(double per_second)
{
    char text[48];
    std::snprintf(text, sizeof text, "%.0f/s", per_second);
    return text;
}

std::string size_and_resume(const measured& m, double count)
{
    char text[96];
    std::snprintf(text, sizeof text, "%.0f bytes an effect; resume %s", m.bytes / count,
                  seconds(m.resume).c_str());
    return text;
}

} // namespace

awaitable<std::vector<row>> journal()
{
    const workplace place;
    const double synced = synced_each(place.path(), 3000);
    std::vector<row> rows;
    auto add = [&](const std::string& what, double count, const measured& m) {
        const double ours = count / m.live;
        rows.push_back({what + " (" + size_and_resume(m, count) + ")", rate(ours),
                        "a synced commit each: " + rate(synced), times(ours / synced)});
    };
    for (const std::int64_t count : {100, 10'000, 1'000'000}) {
        const auto n = std::to_string(count) + " effects, ";
        const auto all = static_cast<double>(count);
        const program serial = [count](effects::context& ctx) { return one_by_one<nothing>(ctx, count); };
        const program pure = [count](effects::context& ctx) { return one_by_one<pure_nothing>(ctx, count); };
        const program parallel = [count](effects::context& ctx) { return at_once(ctx, count); };
        add(n + "one by one", all, co_await measure(place.path(), "a", "process", serial));
        add(n + "one by one, pure", all, co_await measure(place.path(), "b", "process", pure));
        add(n + "1,000 strands", all, co_await measure(place.path(), "c", "process", parallel));
        add(n + "1,000 strands, durability = power", all,
            co_await measure(place.path(), "d", "power", parallel));
    }
    co_return rows;
}

} // namespace graftline::bench
