#include "graftline/effects/project.hpp"

#include <boost/asio/this_coro.hpp>

#include <cstdlib>

namespace graftline::effects {
namespace {

std::filesystem::path user_settings_file()
{
    if (const char* folder = std::getenv("XDG_CONFIG_HOME"); folder && *folder)
        return std::filesystem::path(folder) / "graftline" / "config.toml";
    const char* home = std::getenv("HOME");
    return std::filesystem::path(home ? home : "/") / ".config" / "graftline" / "config.toml";
}

} // namespace

project::project(asio::any_io_executor executor, std::shared_ptr<git::repository> repository,
                 agents::settings settings)
    : repository_(std::move(repository)), settings_(std::move(settings)), lane_(std::move(executor))
{
}

awaitable<result<std::shared_ptr<project>>> project::open(std::filesystem::path start)
{
    auto repository = co_await git::repository::discover(std::move(start));
    if (!repository) co_return repository.error();
    std::optional<std::filesystem::path> file;
    if (const auto& top = (*repository)->main_work_tree()) file = *top / "graftline.toml";
    auto settings = agents::load_settings(file, user_settings_file());
    if (!settings) co_return settings.error();
    co_return std::shared_ptr<project>(
        new project(co_await asio::this_coro::executor, std::move(*repository), std::move(*settings)));
}

} // namespace graftline::effects
