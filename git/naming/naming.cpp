#include "graftline/git/naming/naming.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace graftline::git {
namespace {

bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}
bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
bool is_word(char c)
{
    return is_upper(c) || is_digit(c) || (c >= 'a' && c <= 'z') || c == '_';
}

/// Standards and models look like tickets, and are none.
bool is_standard(std::string_view project)
{
    static constexpr std::array<std::string_view, 22> known{
        "UTF", "SHA",  "ISO", "RFC", "HTTP", "TLS", "SSL", "CVE",  "AES",   "MD",  "ES",
        "GPT", "IEEE", "X",   "USB", "PEP",  "UCS", "CWE", "WCAG", "COVID", "RSA", "BASE"};
    return std::find(known.begin(), known.end(), project) != known.end();
}

/// The end of a run of characters that `belongs` takes, from `at` on.
template <class Belongs> std::size_t run_end(std::string_view text, std::size_t at, Belongs belongs)
{
    while (at < text.size() && belongs(text[at]))
        ++at;
    return at;
}

/// A ticket that starts at `at`: "ENG-123" or "#789".
std::optional<std::string> ticket_at(std::string_view text, std::size_t at)
{
    if (at > 0 && (is_word(text[at - 1]) || text[at - 1] == '-' || text[at - 1] == '/')) return std::nullopt;
    std::size_t digits = 0;
    if (text[at] == '#') {
        digits = at + 1;
    } else if (is_upper(text[at])) {
        const std::size_t dash = run_end(text, at, [](char c) { return is_upper(c) || is_digit(c); });
        const std::size_t length = dash - at;
        if (length < 2 || length > 10 || dash == text.size() || text[dash] != '-') return std::nullopt;
        if (is_standard(text.substr(at, length))) return std::nullopt;
        digits = dash + 1;
    } else {
        return std::nullopt;
    }
    const std::size_t end = run_end(text, digits, is_digit);
    if (end == digits || end - digits > 9 || (end < text.size() && is_word(text[end]))) return std::nullopt;
    return std::string(text.substr(at, end - at));
}

fault unknown_name(std::string_view name, const template_values& values)
{
    std::string known;
    for (const auto& [key, value] : values)
        known += (known.empty() ? "{" : ", {") + key + "}";
    fault f(errc::invalid, "there is no value for {" + std::string(name) + "} in a template");
    return std::move(f).with("known", known);
}

fault bad_name(std::string_view name, std::string_view why)
{
    return fault(errc::invalid, "not a branch name: '" + std::string(name) + "': " + std::string(why));
}

const std::vector<profile>& profiles()
{
    static const std::vector<profile> all = [] {
        profile standard;
        standard.name = "default";
        standard.branch = "task/{slug}-{id}";
        standard.worktree = "../{repo}.worktrees/{slug}-{id}";

        profile coditect = standard;
        coditect.name = "coditect";
        coditect.branch = "coditect/{id}/{slug}";
        coditect.worktree = ".coditect/worktrees/{id}";
        coditect.id_prefix = "task-";
        coditect.plain_slugs = true;
        coditect.slug_limit = 30;

        profile spec = standard;
        spec.name = "spec108";
        spec.branch = "feature/us-{number:3}";
        spec.worktree = "../{repo}-wt{number}";
        spec.base = "roadmap";
        spec.max_parallel = 2;
        spec.parallel_cap = 3;

        profile score = standard;
        score.name = "scorecount";
        score.branch = "{type}/task-{number}-{slug}";
        score.worktree = "../{repo}-task-{number}";
        score.base = "origin/main";
        return std::vector<profile>{standard, coditect, spec, score};
    }();
    return all;
}

} // namespace

std::optional<std::string> ticket(std::string_view description)
{
    for (std::size_t at = 0; at < description.size(); ++at)
        if (auto found = ticket_at(description, at)) return found;
    return std::nullopt;
}

result<std::string> expand(std::string_view text, const template_values& values)
{
    std::string done;
    while (!text.empty()) {
        const auto open = text.find_first_of("{}");
        done += text.substr(0, open);
        if (open == text.npos) break;
        const auto close = text.find('}', open);
        if (text[open] == '}' || close == text.npos)
            return fault(errc::invalid, "a template has a brace without its other one: " + std::string(text));
        std::string_view name = text.substr(open + 1, close - open - 1);
        std::size_t width = 0;
        if (const auto colon = name.find(':'); colon != name.npos) {
            const std::string_view digits = name.substr(colon + 1);
            const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), width);
            if (failed != std::errc() || end != digits.data() + digits.size() || width > 20)
                return fault(errc::invalid, "not a width in a template: {" + std::string(name) + "}");
            name = name.substr(0, colon);
        }
        const auto value = values.find(name);
        if (value == values.end()) return unknown_name(name, values);
        if (value->second.size() < width) done.append(width - value->second.size(), '0');
        done += value->second;
        text.remove_prefix(close + 1);
    }
    return done;
}

result<void> check_branch_name(std::string_view name)
{
    if (name.empty()) return bad_name(name, "it is empty");
    if (name == "@" || name == "HEAD") return bad_name(name, "git keeps that name for itself");
    if (name.starts_with('-')) return bad_name(name, "it starts with '-'");
    if (name.ends_with('.')) return bad_name(name, "it ends with '.'");
    if (name.find("..") != name.npos) return bad_name(name, "it contains '..'");
    if (name.find("@{") != name.npos) return bad_name(name, "it contains '@{'");
    for (const char c : name) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
            return bad_name(name, "it contains a control character");
        if (std::string_view(" ~^:?*[\\").find(c) != std::string_view::npos)
            return bad_name(name, std::string("it contains '") + c + "'");
    }
    for (std::string_view rest = name;;) {
        const std::string_view part = rest.substr(0, rest.find('/'));
        if (part.empty()) return bad_name(name, "a part between two '/' is empty");
        if (part.starts_with('.')) return bad_name(name, "a part starts with '.'");
        if (part.ends_with(".lock")) return bad_name(name, "a part ends with '.lock'");
        if (part.size() > 240)
            return bad_name(name, "a part is longer than 240 characters"); // a ref is a file
        if (part.size() == rest.size()) return {};
        rest.remove_prefix(part.size() + 1);
    }
}

result<profile> find_profile(std::string_view name)
{
    for (const profile& known : profiles())
        if (known.name == name) return known;
    std::string known;
    for (const profile& each : profiles())
        known += (known.empty() ? "" : ", ") + each.name;
    return fault(errc::not_found, "there is no profile '" + std::string(name) + "'").with("known", known);
}

std::vector<std::string> profile_names()
{
    std::vector<std::string> names;
    for (const profile& known : profiles())
        names.push_back(known.name);
    return names;
}

} // namespace graftline::git
