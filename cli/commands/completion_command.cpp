#include "graftline/cli/arguments/completion.hpp"
#include "graftline/cli/commands/commands.hpp"
#include "graftline/cli/render/task_words.hpp"
#include "graftline/cli/terminal/failure.hpp"

namespace graftline::cli {

awaitable<int> carry_out(session& s, completion_arguments asked)
{
    if (asked.shell != "tasks") {
        s.print_bytes(completion_script(asked.shell, describe_commands()));
        co_return exit_status::done;
    }
    // Asked by the scripts at every TAB: says what there is, and never complains.
    std::string text;
    try {
        auto in = co_await s.open_to_read();
        if (in->has_state())
            for (const auto& t : co_await in->must_store(
                     [](effects::store& st) { return st.tasks([](effects::unreadable_row&&) {}); }))
                text += t.id + "\t" + std::string(to_string(t.state)) + ": " + shown_title(t, 60) + "\n";
    } catch (const fault_error&) {
        text.clear();
    }
    s.print_bytes(text);
    co_return exit_status::done;
}

} // namespace graftline::cli
