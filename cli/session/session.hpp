/// One run of the program: where it writes, what it works on, how it is interrupted.
#pragma once

#include "graftline/cli/arguments/arguments.hpp"
#include "graftline/cli/session/diagnostics.hpp"
#include "graftline/cli/session/interruption.hpp"
#include "graftline/cli/terminal/terminal.hpp"
#include "graftline/effects/store/project.hpp"

#include <boost/json/value.hpp>

#include <memory>
#include <string>
#include <vector>

namespace graftline::cli {

/// Shared by a command and what it uses; lives on the loop's strand. Its functions throw fault_error.
class session {
public:
    session(asio::io_context& loop, const common_arguments& common);

    terminal& out() noexcept { return out_; }
    terminal& err() noexcept { return err_; }
    diagnostics& log() noexcept { return log_; }
    interruption& signals() noexcept { return signals_; }

    /// The project that the command works on. Makes nothing.
    awaitable<std::shared_ptr<effects::project>> open();
    /// The same for commands that read. Gits of this process fetch nothing from now on: what a partial clone
    /// lacks would be had by programs that its configuration names.
    awaitable<std::shared_ptr<effects::project>> open_to_read();
    /// The same for commands that change something: tasks whose run has died are made ready to be dealt with
    /// first.
    awaitable<std::shared_ptr<effects::project>> open_to_change();

    /// The same for what is asked of tasks while they are carried out: whoever does that may hold the
    /// repository for as long as a hook takes, so nothing is put right when the runs of all of them live.
    awaitable<std::shared_ptr<effects::project>> open_beside(std::vector<std::string> handles);

    /// The task that the user means by an id, the beginning of one, or a key.
    awaitable<effects::task> find(effects::project& in, std::string handle);
    awaitable<std::vector<effects::task>> find(effects::project& in, std::vector<std::string> handles);

    void print(std::string_view text) { out_.write(text); }
    /// What is not ours to change, such as an agent's output: byte for byte, but not on a terminal.
    void print_bytes(std::string_view text)
    {
        out_.is_terminal() ? out_.write(text) : out_.write_as_it_is(text);
    }
    void print_json(const boost::json::value& document);

private:
    awaitable<void> put_right(std::shared_ptr<effects::project> in);
    /// Puts right what a restart of the machine, or the death of a run, has left; says what that was.
    awaitable<result<std::size_t>> reconcile(std::shared_ptr<effects::project> in);
    /// Sets a damaged database aside and finds again what can be; false when it is not damaged.
    awaitable<bool> rebuilt(std::shared_ptr<effects::project> in);

    terminal out_;
    terminal err_;
    diagnostics log_;
    interruption signals_;
};

} // namespace graftline::cli
