/// The real executable, going on beside the test.
#pragma once

#include "tests/cli/program.hpp"
#include "tests/support/hang_guard.hpp"
#include "tests/support/processes.hpp"
#include <fcntl.h>
#include <unistd.h>

namespace graftline::test {

/// A graftline that goes on in a process of its own, until it is killed or ends.
class started_graftline {
public:
    started_graftline(desk& d, std::vector<std::string> words) : log_(d.repository.root() / "err.log")
    {
        const auto prepared = d.prepared(d.repository.top(), std::move(words));
        const int err = ::open(log_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        launch how;
        how.words = prepared.words();
        how.environment = prepared.environment();
        how.folder = prepared.folder();
        how.err = err;
        process_ = child::start(io_.get_executor(), how).value();
        ::close(err);
    }
    int end_by(int signal)
    {
        process_->signal(signal);
        return shell_code(run_here(io_, process_->wait()));
    }
    int pid() const { return process_->pid(); }
    std::string said() const { return contents_of(log_); }

private:
    asio::io_context io_{1};
    std::filesystem::path log_;
    std::unique_ptr<child> process_;
};

} // namespace graftline::test
