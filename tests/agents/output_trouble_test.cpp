// What an agent's own output says of its failure: by the structure of its events, whatever its exit status.
#include "graftline/agents/agent/output_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace graftline::agents {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

using lines = std::vector<std::string>;

output_reader reader_of(output_format format, const lines& printed)
{
    output_reader reader(format);
    for (const auto& line : printed)
        (void)reader.feed(line);
    return reader;
}

/// "passes: words", "-" for none.
std::string trouble_in(output_format format, const lines& printed)
{
    const auto trouble = reader_of(format, printed).trouble();
    if (!trouble) return "-";
    const char* is = trouble->is == outlook::passes  ? "passes: "
                     : trouble->is == outlook::spent ? "spent: "
                                                     : "stays: ";
    return is + trouble->words;
}

const std::string claude_init = R"({"type":"system","subtype":"init"})";

std::string claude_result(const std::string& fields)
{
    return "{" + fields + R"(,"type":"result","subtype":"success"})";
}

TEST(ClaudeTrouble, is_in_its_result_whatever_the_exit_status)
{
    const auto is = [](const std::string& fields) {
        return trouble_in(output_format::claude, {claude_init, claude_result(fields)});
    };
    EXPECT_EQ(is(R"("is_error":false,"result":"API Error: 529")"), "-") << "these are the agent's own words";
    EXPECT_EQ(is(R"("is_error":true,"api_error_status":529,"result":"API Error: 529 billing is busy")"),
              "passes: API Error: 529 billing is busy");
    EXPECT_EQ(is(R"("is_error":true,"api_error_status":400,"result":"API Error: too many requests named x")"),
              "stays: API Error: too many requests named x");
    EXPECT_EQ(
        is(R"("is_error":true,"api_error_status":429,"result":"You've hit your session limit · resets 3pm")"),
        "spent: You've hit your session limit · resets 3pm");
    EXPECT_EQ(is(R"("is_error":true,"api_error_status":null,"terminal_reason":"api_error",)"
                 R"("api_error":"connection_failed","result":"API Error: no way there")"),
              "passes: API Error: no way there");
    EXPECT_EQ(
        is(R"x("is_error":true,"terminal_reason":"max_turns","errors":["Reached 3 turns (try again later)"])x"),
        "stays: Reached 3 turns (try again later)");
    EXPECT_EQ(trouble_in(output_format::claude,
                         {R"({"type":"result","subtype":"error_max_budget_usd","errors":["Over budget"]})"}),
              "stays: Over budget");
}

TEST(ClaudeTrouble, is_remembered_until_the_service_answers_again)
{
    const std::string waits = R"({"type":"system","subtype":"api_retry","attempt":2,"max_retries":10,)"
                              R"("retry_delay_ms":90000,"error_status":429,"error":"rate_limit"})";
    EXPECT_EQ(trouble_in(output_format::claude, {claude_init, waits}),
              "passes: rate_limit (HTTP 429), its attempt 2 of 10");
    EXPECT_EQ(reader_of(output_format::claude, {waits}).trouble()->retry_after, 90s);
    EXPECT_EQ(trouble_in(output_format::claude,
                         {waits, R"({"type":"assistant","message":{"id":"m","content":[]}})"}),
              "-");
    const auto ended = claude_result(R"("is_error":true,"api_error_status":429,"result":"API Error: 429")");
    EXPECT_EQ(reader_of(output_format::claude, {waits, ended}).trouble()->retry_after, 90s);
}

TEST(ClaudeUsage, is_counted_once_a_message_and_kept_without_a_result)
{
    const auto part = [](const char* id, int in, int out) {
        return R"({"type":"assistant","message":{"id":")" + std::string(id) +
               R"(","content":[{"type":"text","text":"x"}],"usage":{"input_tokens":)" + std::to_string(in) +
               R"(,"output_tokens":)" + std::to_string(out) + "}}}";
    };
    auto r = reader_of(output_format::claude, {part("a", 10, 1), part("a", 10, 4), part("b", 5, 2)});
    ASSERT_TRUE(r.usage());
    EXPECT_EQ(r.usage()->input_tokens, 15);
    EXPECT_EQ(r.usage()->output_tokens, 6);
    EXPECT_FALSE(r.usage()->cost_usd) << "unknown is not nothing";
    (void)r.feed(claude_result(R"("total_cost_usd":0,"usage":{"input_tokens":20,"output_tokens":7})"));
    EXPECT_EQ(r.usage()->input_tokens, 20) << "the result has the truth";
    EXPECT_EQ(r.usage()->cost_usd, 0);
}

TEST(ClaudeDenials, say_what_was_asked_for)
{
    const lines printed{
        R"({"type":"assistant","message":{"content":[{"type":"tool_use","id":"c1","name":"Bash","input":{"command":"make test"}}]}})",
        R"({"type":"system","subtype":"permission_denied","tool_name":"Bash","tool_use_id":"c1"})",
        claude_result(
            R"("is_error":false,"permission_denials":[{"tool_name":"Bash","tool_use_id":"c1","tool_input":{"command":"make test"}}])")};
    EXPECT_THAT(reader_of(output_format::claude, printed).denied(), ElementsAre("Bash make test"));
}

TEST(CodexTrouble, is_what_ended_its_turn)
{
    const auto is = [](const lines& more) {
        lines printed{R"({"type":"thread.started"})", R"({"type":"turn.started"})"};
        printed.insert(printed.end(), more.begin(), more.end());
        return trouble_in(output_format::codex, printed);
    };
    const std::string again =
        R"x({"type":"error","message":"Reconnecting... 1/5 (unexpected status 429 Too Many Requests)"})x";
    const std::string work =
        R"({"type":"item.completed","item":{"type":"agent_message","text":"429 Too Many Requests"}})";
    EXPECT_EQ(is({again}), "passes: Reconnecting... 1/5 (unexpected status 429 Too Many Requests)");
    EXPECT_EQ(is({again, work}), "-") << "overcome";
    EXPECT_EQ(is({again, R"({"type":"item.completed","item":{"type":"error","message":"a warning"}})"}),
              "passes: Reconnecting... 1/5 (unexpected status 429 Too Many Requests)");
    EXPECT_EQ(is({work, R"({"type":"turn.failed","error":{"message":"Selected model is at capacity."}})"}),
              "passes: Selected model is at capacity.");
    EXPECT_EQ(
        is({R"({"type":"turn.failed","error":{"message":"You’ve hit your usage limit. Try again later."}})"}),
        "spent: You’ve hit your usage limit. Try again later.");
    EXPECT_EQ(is({R"({"type":"turn.failed"})"}), "stays: its turn failed");
    EXPECT_EQ(is({again, R"({"type":"turn.completed","usage":{"input_tokens":1}})"}), "-");
}

TEST(GeminiTrouble, is_in_its_result_or_its_exit_status)
{
    const auto is = [](const std::string& message) {
        return trouble_in(output_format::gemini,
                          {R"({"type":"init"})",
                           R"({"type":"message","role":"user","content":"on 503 retry"})",
                           R"({"type":"result","status":"error","error":{"message":")" + message + R"("}})"});
    };
    EXPECT_THAT(is(R"([API Error: {\"error\":{\"code\":503,\"message\":\"busy\"}}])"),
                HasSubstr("passes: [API"));
    EXPECT_THAT(is(R"([API Error: {\"error\":{\"code\":400,\"message\":\"overloaded operator\"}}])"),
                HasSubstr("stays: [API"));
    EXPECT_THAT(is("[API Error: exception TypeError: fetch failed]"), HasSubstr("passes: "));
    EXPECT_EQ(
        trouble_in(output_format::gemini, {R"({"type":"error","severity":"warning","message":"loop"})"}),
        "-");
    const std::string error = R"({"type":"error","severity":"error","message":"too many turns"})";
    EXPECT_EQ(trouble_in(output_format::gemini, {error, R"({"type":"result","status":"success"})"}),
              "stays: too many turns");
    EXPECT_EQ(trouble_in(output_format::gemini, {error, R"({"type":"tool_use","tool_name":"x"})"}), "-");
    const output_reader r(output_format::gemini);
    const auto by_status = [&](int status) {
        const auto t = r.trouble_of_status(status);
        return t ? t->words : "-";
    };
    EXPECT_EQ(by_status(173), "HTTP 429");
    EXPECT_EQ(by_status(244), "HTTP 500");
    EXPECT_EQ(by_status(17), "HTTP 529");
    EXPECT_EQ(r.trouble_of_status(145)->is, outlook::stays);
    for (const int own : {1, 41, 42, 53, 130})
        EXPECT_EQ(by_status(own), "-") << own;
}

TEST(OpencodeTrouble, says_itself_whether_it_passes)
{
    const auto is = [](const std::string& data) {
        return trouble_in(output_format::opencode,
                          {R"({"type":"error","error":{"name":"APIError","data":{)" + data + "}}}"});
    };
    EXPECT_EQ(is(R"("message":"The socket closed","isRetryable":true)"), "passes: The socket closed");
    EXPECT_EQ(is(R"("message":"rate limit","statusCode":401,"isRetryable":false)"), "stays: rate limit");
    EXPECT_EQ(is(R"("message":"Bad day","statusCode":500)"), "passes: Bad day");
    EXPECT_EQ(is(R"("message":"You exceeded your current quota","isRetryable":true)"),
              "spent: You exceeded your current quota");
    EXPECT_EQ(is(""), "stays: APIError");
    const auto r = reader_of(output_format::opencode, {R"({"type":"error","error":{"data":{"message":"x",)"
                                                       R"("responseHeaders":{"Retry-After":"3"}}}})"});
    EXPECT_EQ(r.trouble()->retry_after, 3s);
    EXPECT_EQ(trouble_in(output_format::opencode, {R"({"type":"error","error":{"name":"x"}})",
                                                   R"({"type":"text","part":{"text":"on"}})"}),
              "-");
}

TEST(Output, that_ends_in_the_middle_is_no_end)
{
    const auto left = [](output_format format, const lines& printed) {
        return reader_of(format, printed).unfinished();
    };
    EXPECT_NE(left(output_format::claude, {claude_init}), "");
    EXPECT_NE(left(output_format::claude, {R"({"type":"assistant","message":{"content":[]}})"}), "");
    EXPECT_EQ(left(output_format::claude, {claude_init, claude_result(R"("is_error":false)")}), "");
    EXPECT_NE(left(output_format::codex, {R"({"type":"turn.started"})"}), "");
    EXPECT_EQ(left(output_format::codex, {R"({"type":"turn.started"})", R"({"type":"turn.completed"})"}), "");
    EXPECT_NE(left(output_format::gemini, {R"({"type":"init"})"}), "");
    const std::string step = R"({"type":"step_start"})";
    const auto finish = [](const char* why) {
        return R"({"type":"step_finish","part":{"reason":")" + std::string(why) + "\"}}";
    };
    EXPECT_NE(left(output_format::opencode, {step}), "");
    EXPECT_NE(left(output_format::opencode, {step, finish("tool-calls")}), "");
    EXPECT_NE(left(output_format::opencode, {step, finish("length")}), "");
    EXPECT_EQ(left(output_format::opencode, {step, finish("tool-calls"), step, finish("stop")}), "");
    EXPECT_EQ(left(output_format::claude, {"words only"}), "") << "nothing is known of it";
}

TEST(Output, is_readable_without_its_events)
{
    const std::string log =
        "alf an event\"}\n" + claude_init + "\n" +
        R"({"type":"assistant","message":{"content":[{"type":"text","text":"I look."}]}})" + "\n\n" +
        claude_result(R"("is_error":false,"result":"Done.")") + "\n";
    EXPECT_EQ(readable_end(log, output_format::claude, 10), "I look.\nDone.\n") << "half an event is none";
    EXPECT_EQ(readable_end(log, output_format::claude, 1), "Done.\n");
    EXPECT_EQ(readable_end(log, output_format::plain, 9), "") << "an agent of another kind wrote it";
}

TEST(Output, begins_with_a_byte_order_mark_and_ends_its_lines_as_windows_does)
{
    const auto r = reader_of(output_format::codex,
                             {"\xEF\xBB\xBF{\"type\":\"turn.started\"}\r", "{\"type\":\"turn.failed\"}\r"});
    EXPECT_TRUE(r.trouble());
}

/// Whatever order and pieces they come in, reading them ends, and what is shown is text.
TEST(Output, is_read_in_any_order_and_cut_anywhere)
{
    const lines good{
        claude_init,
        claude_result(
            R"("is_error":true,"api_error_status":529,"permission_denials":[{"tool_name":"Bash"}])"),
        R"({"type":"system","subtype":"api_retry","attempt":1,"retry_delay_ms":5,"error_status":429})",
        R"({"type":"assistant","message":{"id":"a","usage":{"input_tokens":3},"content":[{"type":"tool_use","name":"X","id":"c"}]}})",
        R"({"type":"turn.started"})",
        R"({"type":"error","message":"Reconnecting... 1/5","error":{"data":{"isRetryable":true,"responseHeaders":{"retry-after":"9"}}}})",
        R"({"type":"turn.failed","error":{"message":"at capacity"}})",
        R"({"type":"item.completed","item":{"type":"command_execution","command":"/bin/bash -lc 'x'"}})",
        R"({"type":"result","status":"error","error":{"message":"{\"code\": 503}"},"stats":{"models":{"m":{"tokens":{"prompt":1}}}}})",
        R"({"type":"message","role":"assistant","content":"ö","delta":true})",
        R"({"type":"step_finish","part":{"reason":"tool-calls","cost":0.5,"tokens":{"input":1}}})",
        "{",
        "}",
        "plain \xFF"};
    std::mt19937 random{7};
    const auto below = [&](std::size_t n) {
        return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
    };
    for (const auto format : {output_format::plain, output_format::claude, output_format::codex,
                              output_format::gemini, output_format::opencode})
        for (int round = 0; round < 300; ++round) {
            output_reader reader(format);
            for (int i = 0; i < 20; ++i) {
                auto line = good[below(good.size())];
                if (below(3) == 0) line.resize(below(line.size() + 1));
                if (const auto shown = reader.feed(line)) EXPECT_LE(shown->size(), 400U);
            }
            if (const auto trouble = reader.trouble()) EXPECT_FALSE(trouble->words.empty());
            if (const auto used = reader.usage()) EXPECT_GE(used->input_tokens, 0);
            EXPECT_LE(reader.last_said().size(), 65'536U);
        }
}

} // namespace
} // namespace graftline::agents
