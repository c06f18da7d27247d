// A program that embeds graftline in an event loop of its own: it carries two tasks out while its own work
// goes on.
//
//     host REPOSITORY GRAFTLINE-EXECUTABLE

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <graftline/effects/new_tasks.hpp>
#include <graftline/effects/run_tasks.hpp>

#include <exception>
#include <iostream>

namespace effects = graftline::effects;
using graftline::awaitable;

// Told what happens, on the host's own thread.
class reporter : public effects::observer {
public:
    void changed(const effects::task& t) override
    {
        std::cout << effects::title(t) << ": " << to_string(t.state) << '\n';
    }
};

awaitable<effects::run_report> two_tasks(std::string repository, std::string graftline)
{
    auto project = (co_await effects::project::open(repository)).value();
    project->supervisor_command = {graftline, "supervise"}; // agents run under a process of graftline's

    effects::task_defaults defaults;
    defaults.command = {"sh", "-c", "echo \"$GRAFTLINE_TASK\" > \"$GRAFTLINE_TASK_ID.txt\""};
    defaults.land = effects::land_mode::merge;
    std::vector<effects::wanted_task> wanted(2);
    wanted[0].description = "Write the first file";
    wanted[1].description = "Write the second file";
    auto tasks = (co_await effects::make_tasks(project, wanted, defaults)).value();

    reporter watcher;
    effects::stop_button button; // button.press() would end the run gracefully
    co_return (co_await effects::run_tasks(project, tasks, {}, watcher, button)).value();
}

// What the host does anyway.
awaitable<void> own_work(int& ticks)
{
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    for (;; ++ticks) {
        timer.expires_after(std::chrono::milliseconds(5));
        co_await timer.async_wait(graftline::use_awaitable);
    }
}

int main(int argc, char** argv)
{
    if (argc != 3) {
        std::cerr << "usage: host REPOSITORY GRAFTLINE-EXECUTABLE\n";
        return 2;
    }
    boost::asio::io_context loop(1);
    int ticks = 0, landed = 0;
    boost::asio::co_spawn(loop, own_work(ticks), boost::asio::detached);
    boost::asio::co_spawn(loop, two_tasks(argv[1], argv[2]),
                          [&](std::exception_ptr failed, effects::run_report report) {
                              for (const auto& t : report.tasks)
                                  landed += t.state == effects::task_state::merged;
                              loop.stop();
                              if (!failed) return;
                              try {
                                  std::rethrow_exception(failed);
                              } catch (const std::exception& e) {
                                  std::cerr << "host: " << e.what() << '\n';
                              }
                          });
    loop.run();
    std::cout << landed << " landed while the host did " << (ticks > 0 ? "work of its own\n" : "nothing\n");
    return landed == 2 && ticks > 0 ? 0 : 1;
}
