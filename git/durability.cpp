#include "graftline/git/durability.hpp"

#include "graftline/runtime/descriptor.hpp"
#include "graftline/runtime/offload.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace graftline::git {
namespace {

result<void> flush(const std::filesystem::path& folder)
{
    const descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened || ::syncfs(opened.get()) != 0)
        return system_fault(errno, "cannot flush the file system of " + folder.string());
    return {};
}

} // namespace

shared_flush::shared_flush(asio::any_io_executor executor, std::filesystem::path folder)
    : folder_(std::move(folder)), turn_(std::move(executor), 1)
{
}

awaitable<result<void>> shared_flush::wait()
{
    const std::uint64_t mine = ++asked_;
    const semaphore::lease turn = co_await turn_.acquire();
    if (flushed_ >= mine) co_return result<void>();
    const std::uint64_t covers = asked_;
    auto job = [folder = folder_] { return flush(folder); };
    auto done = co_await offload(std::move(job));
    if (done) flushed_ = covers;
    co_return done;
}

} // namespace graftline::git
