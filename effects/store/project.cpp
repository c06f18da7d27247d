#include "graftline/effects/store/project.hpp"

#include "graftline/agents/files/text_file.hpp"

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
                 agents::settings settings, json::object configuration)
    : repository_(std::move(repository)), settings_(std::move(settings)),
      configuration_(std::move(configuration)),
      durability_(settings_.run.durability == "process" ? database::commits::survive_processes
                                                        : database::commits::survive_power),
      journal_(executor, repository_->state_folder(), durability_), lane_(std::move(executor))
{
    if (durability_ == database::commits::survive_power) repository_->set_durability(git::durability::power);
    if (settings_.git.timeout) repository_->limit_git(*settings_.git.timeout);
}

awaitable<result<std::shared_ptr<project>>> project::open(std::filesystem::path start)
{
    auto repository = co_await git::repository::discover(std::move(start));
    if (!repository) co_return repository.error();
    std::optional<std::filesystem::path> file;
    if (const auto& top = (*repository)->main_work_tree()) file = *top / "graftline.toml";
    auto settings = agents::load_settings(file, user_settings_file());
    if (!settings) co_return settings.error();
    json::object texts;
    if (const auto text = file ? agents::read_text_file(*file) : fault(errc::not_found, ""))
        texts["repository"] = *text;
    if (const auto text = agents::read_text_file(user_settings_file())) texts["user"] = *text;
    co_return std::shared_ptr<project>(new project(co_await asio::this_coro::executor, std::move(*repository),
                                                   std::move(*settings), std::move(texts)));
}

awaitable<result<store::replacement>> project::replace_state(std::vector<task> found)
{
    auto put = [this, found = std::move(found)]() mutable -> result<store::replacement> {
        try {
            store_.reset();
            return store::replace(state_folder(), std::move(found));
        } catch (const fault_error& e) {
            return e.why();
        }
    };
    co_return co_await lane_.run(std::move(put));
}

result<void> project::configure(const json::object& texts)
{
    agents::settings read;
    for (const char* whose : {"repository", "user"})
        if (const auto* text = texts.if_contains(whose); text && text->is_string())
            if (auto understood = agents::read_settings(std::string(text->get_string()), whose, read);
                !understood)
                return understood.error();
    settings_ = std::move(read);
    configuration_ = texts;
    return {};
}

} // namespace graftline::effects
