// What people and agents write is read by code that must take any bytes: here it gets thousands of broken
// ones. The sanitizers do the rest.
#include "graftline/agents/agent/agent_result.hpp"
#include "graftline/agents/agent/output_reader.hpp"
#include "graftline/agents/config/plan.hpp"
#include "graftline/agents/config/settings.hpp"
#include "graftline/agents/text/globs.hpp"
#include "graftline/agents/text/printable.hpp"
#include "graftline/agents/text/words.hpp"
#include "graftline/runtime/base/utf8.hpp"

#include <gtest/gtest.h>

#include <random>

namespace graftline::agents {
namespace {

constexpr int rounds = 3000;

/// Texts that are nearly right: pieces of good ones, cut, doubled and with bytes changed.
class mangler {
public:
    explicit mangler(std::vector<std::string> good) : good_(std::move(good)) {}

    std::string next()
    {
        std::string text = good_[below(good_.size())];
        for (std::size_t changes = below(6); changes > 0; --changes) {
            const std::size_t at = below(text.size() + 1);
            switch (below(4)) {
            case 0: text = text.substr(0, at); break;
            case 1: text.insert(at, 1, static_cast<char>(below(256))); break;
            case 2: text.insert(at, good_[below(good_.size())].substr(0, below(20))); break;
            default: text.erase(at, below(8));
            }
        }
        return text;
    }

private:
    std::size_t below(std::size_t limit)
    {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
    }

    std::vector<std::string> good_;
    std::mt19937 random_{20240607};
};

bool is_text(std::string_view text)
{
    for (std::size_t at = 0; at < text.size(); at += character_length(text, at))
        if (character_length(text, at) == 0) return false;
    return true;
}

TEST(AnyInput, is_a_plan_or_a_fault_with_a_place)
{
    mangler json(
        {R"({"target": "main", "gate": ["a"], "tasks": [{"id": "a", "description": "x", "after": ["b"], "files": ["**/*.[ch]"]},
                     {"id": "b", "description": "\u00e4\n", "env": {"A": "b"}, "metadata": {"x": [1.5e3, null, true]}}]})",
         R"([{"a": {}}])", R"("text \" \\ \ud83d\ude80")"});
    for (int i = 0; i < rounds; ++i) {
        const auto read = parse_plan(json.next(), "p.json");
        if (!read) EXPECT_TRUE(read.error().what().starts_with("p.json:")) << read.error().message();
    }
}

TEST(AnyInput, is_settings_or_a_fault_with_a_place)
{
    mangler toml(
        {"[run]\nmax = 5\ntimeout = '3m'\n[gate]\ncommands = [['make', 'test']]\n",
         "[agents.claude]\ncommand = ['claude', '{prompt}']\nenv = {A = 'b'}\n[limits]\ndisk_free = '2GiB'\n",
         "# x\n[[tasks]]\na.b.c = 1979-05-27T07:32:00Z\nd = \"\"\"x\"\"\"\n"});
    for (int i = 0; i < rounds; ++i) {
        settings s;
        const auto read = read_settings(toml.next(), "s.toml", s);
        if (!read) EXPECT_TRUE(read.error().what().starts_with("s.toml:")) << read.error().message();
    }
}

TEST(AnyInput, is_read_along_with_and_shown_as_text)
{
    mangler lines(
        {R"({"type":"assistant","message":{"content":[{"type":"text","text":"hi"}]}})",
         R"({"type":"item.completed","item":{"type":"agent_message","text":"\u001b[2J"}})", "{", "}",
         "\x1B]0;t\x07 plain\r",
         R"({"type":"result","stats":{"models":{"a":{"tokens":{"prompt":1}}}},"usage":{"input_tokens":1}})"});
    for (const auto format : {output_format::plain, output_format::claude, output_format::codex,
                              output_format::gemini, output_format::opencode}) {
        output_reader reader(format);
        for (int i = 0; i < rounds; ++i)
            if (const auto line = reader.feed(lines.next())) {
                EXPECT_TRUE(is_text(*line));
                EXPECT_EQ(line->find_first_of("\x1B\r\n\a"), std::string::npos);
            }
        EXPECT_TRUE(is_text(reader.last_said()));
    }
}

TEST(AnyInput, overlaps_with_itself_as_a_glob)
{
    mangler globs({"src/**/*.[ch]pp", "[!a-z]?/\\*x", "./a//b/", "**", "ä[ö-ü]*"});
    for (int i = 0; i < rounds; ++i) {
        const auto glob = globs.next();
        EXPECT_TRUE(!glob.empty() || !normal_glob(glob));
        if (glob.find_first_of("[?*") == glob.npos) EXPECT_TRUE(globs_overlap(glob, glob)) << glob;
        (void)globs_overlap(glob, globs.next());
    }
}

TEST(AnyInput, is_split_timed_measured_and_decided)
{
    mangler words(
        {"sh -c 'a b' \"c \\\" d\" e\\ f", "1h30m", "2.5GiB", R"({"decision": "approve", "files": ["a"]})"});
    for (int i = 0; i < rounds; ++i) {
        const auto text = words.next();
        (void)split_words(text);
        (void)parse_duration(text);
        (void)parse_size(text);
        (void)parse_agent_result(text);
        (void)parse_task_list(text, "f", {});
    }
}

} // namespace
} // namespace graftline::agents
