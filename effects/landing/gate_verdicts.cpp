#include "graftline/effects/landing/gate_verdicts.hpp"

#include "graftline/effects/db/stored_json.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/runtime/base/json_text.hpp"

#include <boost/json/serialize.hpp>
#include <boost/uuid/detail/sha1.hpp>

#include <algorithm>
#include <array>

namespace graftline::effects {
namespace {

namespace json = boost::json;

/// Of the user's session, not of what a gate finds.
bool is_volatile(std::string_view entry)
{
    constexpr std::array names{"_",     "PWD",  "OLDPWD", "SHLVL",    "TERM",    "COLUMNS",
                               "LINES", "TMUX", "STY",    "WINDOWID", "DISPLAY", "INVOCATION_ID"};
    const auto name = entry.substr(0, entry.find('='));
    return std::ranges::find(names, name) != names.end() || name.starts_with("GRAFTLINE_") ||
           name.starts_with("SSH_") || name.starts_with("XDG_SESSION") || name.starts_with("TMUX_") ||
           name.starts_with("TERM_") || name.starts_with("GIT_CEILING");
}

std::string hex_of(const std::string& text)
{
    boost::uuids::detail::sha1 hash;
    hash.process_bytes(text.data(), text.size());
    unsigned int words[5];
    hash.get_digest(words);
    std::string hex;
    for (const auto word : words)
        for (int shift = 28; shift >= 0; shift -= 4)
            hex += "0123456789abcdef"[(word >> shift) & 0xF];
    return hex;
}

} // namespace

std::string gate_verdicts::key(const std::string& tree, const std::vector<std::string>& gate,
                               const std::vector<std::string>& environment)
{
    std::vector<std::string> kept;
    std::ranges::remove_copy_if(environment, std::back_inserter(kept), is_volatile);
    std::ranges::sort(kept);
    std::string text = tree;
    for (const auto& words : {gate, kept}) {
        text += '\0';
        for (const auto& word : words)
            text += word + '\0';
    }
    return hex_of(text);
}

std::optional<gate_verdict> gate_verdicts::find(const std::string& key) const
{
    const auto text = git::text_of(folder_ / (key + ".json"));
    if (text.empty()) return std::nullopt;
    const auto parsed = parse_json(text);
    if (!parsed) return std::nullopt;
    auto said = from_stored<gate_verdict>(*parsed);
    if (!said) return std::nullopt;
    return std::move(*said);
}

result<void> gate_verdicts::remember(const std::string& key, const gate_verdict& said) const
{
    std::error_code failed;
    std::filesystem::create_directories(folder_, failed); // the write says what is wrong
    return git::replace_file(folder_ / (key + ".json"), json::serialize(to_stored(said)) + "\n");
}

} // namespace graftline::effects
