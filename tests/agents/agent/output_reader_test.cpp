#include "graftline/agents/agent/output_reader.hpp"

#include <gtest/gtest.h>

namespace graftline::agents {
namespace {

std::string shown(output_reader& reader, std::string_view line)
{
    return reader.feed(line).value_or("-");
}

TEST(OutputReader, shows_plain_lines)
{
    output_reader r(output_format::plain);
    EXPECT_EQ(shown(r, "\x1B[32mbuilding\x1B[0m…"), "building…");
    EXPECT_EQ(shown(r, "  "), "-");
    EXPECT_EQ(shown(r, "{\"not\": \"ours\"}"), "{\"not\": \"ours\"}");
    EXPECT_EQ(r.last_said(), "{\"not\": \"ours\"}");
    EXPECT_FALSE(r.usage());
    EXPECT_EQ(shown(r, std::string(1000, 'x')).size(), 400U);
}

TEST(OutputReader, reads_claude)
{
    output_reader r(output_format::claude);
    EXPECT_EQ(shown(r, R"({"type":"system","subtype":"init","tools":["Bash"]})"), "-");
    EXPECT_EQ(
        shown(
            r,
            R"({"type":"assistant","message":{"content":[{"type":"text","text":"I'll look.\nThen fix."}]}})"),
        "I'll look.");
    EXPECT_EQ(
        shown(
            r,
            R"({"type":"assistant","message":{"content":[{"type":"tool_use","name":"Edit","input":{"file_path":"src/a.cpp"}}]}})"),
        "Edit src/a.cpp");
    EXPECT_EQ(shown(r, R"({"type":"user","message":{"content":[{"type":"tool_result","content":"…"}]}})"),
              "-");
    EXPECT_EQ(r.last_said(), "I'll look.\nThen fix.");
    EXPECT_EQ(
        shown(r,
              R"({"type":"result","subtype":"success","is_error":false,"result":"Done.","total_cost_usd":0.25,
        "usage":{"input_tokens":10,"cache_creation_input_tokens":200,"cache_read_input_tokens":3000,"output_tokens":50}})"),
        "Done.");
    ASSERT_TRUE(r.usage());
    EXPECT_EQ(r.usage()->input_tokens, 3210);
    EXPECT_EQ(r.usage()->output_tokens, 50);
    EXPECT_DOUBLE_EQ(r.usage()->cost_usd.value_or(-1), 0.25);
    EXPECT_FALSE(r.trouble());
    EXPECT_EQ(shown(r, R"({"type":"result","is_error":true,"result":"Credit balance is too low"})"),
              "Credit balance is too low");
    EXPECT_EQ(r.trouble()->words, "Credit balance is too low");
}

TEST(OutputReader, reads_codex)
{
    output_reader r(output_format::codex);
    EXPECT_EQ(shown(r, R"({"type":"thread.started","thread_id":"x"})"), "-");
    EXPECT_EQ(
        shown(
            r,
            R"({"type":"item.started","item":{"id":"1","type":"command_execution","command":"bash -lc ls"}})"),
        "bash -lc ls");
    EXPECT_EQ(
        shown(
            r,
            R"({"type":"item.completed","item":{"id":"2","type":"file_change","changes":[{"path":"a.c","kind":"add"}]}})"),
        "edited a.c");
    EXPECT_EQ(
        shown(r, R"({"type":"item.completed","item":{"id":"3","type":"agent_message","text":"All done."}})"),
        "All done.");
    EXPECT_EQ(
        shown(
            r,
            R"({"type":"turn.completed","usage":{"input_tokens":100,"cached_input_tokens":80,"output_tokens":7}})"),
        "-");
    EXPECT_EQ(r.usage()->input_tokens, 100);
    EXPECT_EQ(r.last_said(), "All done.");
    EXPECT_EQ(shown(r, R"({"type":"turn.failed","error":{"message":"usage limit"}})"), "usage limit");
    EXPECT_EQ(r.trouble()->words, "usage limit");
}

TEST(OutputReader, reads_gemini_as_a_stream)
{
    output_reader r(output_format::gemini);
    EXPECT_EQ(shown(r, "YOLO mode is enabled."), "YOLO mode is enabled.");
    EXPECT_EQ(shown(r, R"({"type":"message","role":"user","content":"secret prompt"})"), "-");
    EXPECT_EQ(shown(r, R"({"type":"message","role":"assistant","content":"I will\nre","delta":true})"), "re");
    EXPECT_EQ(shown(r, R"({"type":"message","role":"assistant","content":"ad it","delta":true})"), "read it");
    EXPECT_EQ(shown(r, R"({"type":"tool_use","tool_name":"read_file","parameters":{"path":"a.c"}})"),
              "read_file a.c");
    EXPECT_EQ(shown(r, R"({"type":"message","role":"assistant","content":"Finished","delta":true})"),
              "Finished");
    EXPECT_EQ(
        shown(
            r,
            R"({"type":"result","status":"success","stats":{"total_tokens":30,"input_tokens":20,"output_tokens":10}})"),
        "-");
    EXPECT_EQ(r.usage()->input_tokens, 20);
    EXPECT_EQ(r.last_said(), "Finished");
}

TEST(OutputReader, reads_gemini_as_one_object)
{
    output_reader r(output_format::gemini);
    for (const char* line :
         {"{", "  \"response\": \"Done\",",
          "  \"stats\": {\"models\": {\"a\": {\"tokens\": {\"prompt\": 5, \"candidates\": 2, \"thoughts\": "
          "1}},",
          "                     \"b\": {\"tokens\": {\"prompt\": 5, \"candidates\": 2}}}}"})
        EXPECT_EQ(shown(r, line), "-");
    EXPECT_EQ(shown(r, "}"), "Done");
    EXPECT_EQ(r.usage()->input_tokens, 10);
    EXPECT_EQ(r.usage()->output_tokens, 5);
}

TEST(OutputReader, reads_opencode_and_adds_its_steps_up)
{
    output_reader r(output_format::opencode);
    EXPECT_EQ(shown(r, R"({"type":"text","part":{"type":"text","text":"Working"}})"), "Working");
    EXPECT_EQ(
        shown(
            r,
            R"({"type":"tool_use","part":{"tool":"bash","state":{"status":"completed","input":{"command":"make"}}}})"),
        "bash make");
    for (int step = 0; step < 2; ++step)
        EXPECT_EQ(
            shown(
                r,
                R"({"type":"step_finish","part":{"cost":0.01,"tokens":{"input":10,"output":3,"reasoning":1,"cache":{"read":5,"write":1}}}})"),
            "-");
    EXPECT_EQ(r.usage()->input_tokens, 32);
    EXPECT_EQ(r.usage()->output_tokens, 8);
    EXPECT_DOUBLE_EQ(r.usage()->cost_usd.value_or(-1), 0.02);
    EXPECT_EQ(shown(r, R"({"type":"error","error":{"name":"APIError","data":{"message":"no key"}}})"),
              "no key");
}

TEST(OutputReader, passes_over_what_is_broken)
{
    for (const auto format :
         {output_format::claude, output_format::codex, output_format::gemini, output_format::opencode}) {
        output_reader r(format);
        EXPECT_EQ(shown(r, R"({"type":"result","usage":{"input_tok)"), "-");
        EXPECT_EQ(shown(r, R"({"type":5,"usage":{"input_tokens":"many"},"message":[],"part":null,"item":7})"),
                  "-");
        EXPECT_EQ(shown(r, "[1]"), "[1]");
        EXPECT_FALSE(r.trouble());
    }
}

TEST(OutputReader, does_not_let_text_in_json_reach_the_terminal)
{
    output_reader r(output_format::codex);
    EXPECT_EQ(
        shown(
            r,
            R"({"type":"item.completed","item":{"type":"agent_message","text":"\u001b[2Jcleared\u0007\nnext"}})"),
        "cleared");
    EXPECT_EQ(r.last_said(), "cleared\nnext");
}

TEST(OutputReader, believes_no_absurd_numbers)
{
    output_reader r(output_format::codex);
    (void)r.feed(R"({"type":"turn.completed","usage":{"input_tokens":-5,"output_tokens":1e300}})");
    EXPECT_EQ(r.usage()->input_tokens, 0);
    EXPECT_EQ(r.usage()->output_tokens, 0);
}

} // namespace
} // namespace graftline::agents
