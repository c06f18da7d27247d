#include "tests/effects/simulated_world.hpp"

namespace graftline::test {

std::size_t dice::roll(std::size_t sides)
{
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15); // splitmix64
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return static_cast<std::size_t>((z ^ (z >> 31)) % sides);
}

namespace {

/// No section in another: it would wait for itself.
part part_of(dice& random, int depth, int& count, bool may_wait = true)
{
    part made;
    made.id = count++;
    const auto kind = depth >= 4 || count > 30 ? 0 : random.roll(11);
    if (kind == 10) {
        made.is = part::form::pause;
        return made;
    }
    if (kind < 4) {
        made.is = part::form::effect;
        made.is_pure = random.one_in(6);
        made.acts_on_faults = random.one_in(2);
        made.tries = made.acts_on_faults && random.one_in(3) ? 3 : 1;
        made.reads_shared = random.one_in(3);
        made.writes_shared = random.one_in(3);
        return made;
    }
    made.is = kind < 6                ? part::form::sequence
              : kind < 8              ? part::form::map
              : kind < 9 || !may_wait ? part::form::race
                                      : part::form::section;
    made.swallows = random.one_in(2);
    made.is_strict = random.one_in(2);
    made.fails_fast = random.one_in(2);
    made.limit = random.roll(4);
    made.writes_shared = random.one_in(2);
    made.priority = static_cast<int>(random.roll(3));
    const auto parts = made.is == part::form::section ? 1 : 1 + random.roll(4);
    for (std::size_t i = 0; i < parts; ++i)
        made.parts.push_back(part_of(random, depth + 1, count, may_wait && made.is != part::form::section));
    return made;
}

} // namespace

part program_of(dice& random)
{
    part whole;
    int count = 1;
    whole.swallows = random.one_in(2);
    const auto parts = 1 + random.roll(4);
    for (std::size_t i = 0; i < parts; ++i)
        whole.parts.push_back(part_of(random, 1, count));
    return whole;
}

std::string to_text(const part& p)
{
    static constexpr const char* names[] = {"effect", "sequence", "map", "race", "section", "pause"};
    std::string text = std::string(names[static_cast<int>(p.is)]) + "#" + std::to_string(p.id);
    if (p.is_pure) text += " pure";
    if (p.acts_on_faults) text += " try";
    if (p.tries > 1) text += " retried";
    if (p.reads_shared) text += " reads";
    if (p.writes_shared) text += " writes";
    if (!p.parts.empty()) {
        if (p.swallows && p.is == part::form::sequence) text += " swallows";
        if (p.is == part::form::map) {
            if (p.is_strict) text += " strict";
            if (p.fails_fast) text += " fail_fast";
            if (p.limit > 0) text += " limit " + std::to_string(p.limit);
        }
        text += " {";
        for (const auto& one : p.parts)
            text += " " + to_text(one) + (&one == &p.parts.back() ? "" : ";");
        text += " }";
    }
    return text;
}

} // namespace graftline::test
