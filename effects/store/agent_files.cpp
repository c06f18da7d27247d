#include "graftline/effects/store/agent_files.hpp"

#include "graftline/agents/agent/agent_result.hpp"
#include "graftline/effects/tasks/fresh_id.hpp"
#include "graftline/git/naming/naming.hpp"
#include "graftline/git/worktree/folder.hpp"
#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/base/utf8.hpp"
#include "graftline/runtime/files/small_file.hpp"

#include <boost/asio/this_coro.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& what, const fs::path& path)
{
    throw fault_error(system_fault(errno, what).with("path", path.string()));
}

constexpr const char* temporary_name = "temporary";
constexpr const char* temporary_prefix = "graftline-";

/// Short and in the system's place: sockets in it must fit into 108 bytes. Throws fault_error.
fs::path temporary_folder(const std::string& task)
{
    return temporary_place().value() / fresh_id(temporary_prefix + task + "-", 8);
}

result<std::optional<std::string>> read_result_at(const fs::path& file)
{
    const auto refuse = [&](const char* what) {
        return fault(errc::invalid, std::string("it is ") + what + ", not a file")
            .with("path", file.string());
    };
    const descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    if (!fd && (errno == ENOENT || errno == ENOTDIR)) return std::optional<std::string>();
    if (!fd && errno == ELOOP) return refuse("a symbolic link");
    if (!fd && errno == ENXIO) return refuse("a socket");
    struct stat info{};
    if (!fd || ::fstat(fd.get(), &info) != 0)
        return system_fault(errno, "it could not be opened").with("path", file.string());
    if (S_ISDIR(info.st_mode)) return refuse("a folder");
    if (S_ISFIFO(info.st_mode)) return refuse("a named pipe");
    if (!S_ISREG(info.st_mode)) return refuse("a device");
    std::string text;
    const bool is_whole = read_all(fd.get(), text, agents::largest_result);
    if (!is_whole && errno != EFBIG)
        return system_fault(errno, "it could not be read").with("path", file.string());
    return std::optional(std::move(text));
}

} // namespace

result<fs::path> temporary_place()
{
    const char* named = std::getenv("TMPDIR");
    const fs::path place = named && *named ? named : "/tmp";
    const auto refuse = [&](const char* what) {
        return fault(errc::unusable, std::string("the folder for temporary files ") + what)
            .with("TMPDIR", place.string())
            .advise("Set TMPDIR to a folder that is there and can be written, or unset it.");
    };
    if (!place.is_absolute()) return refuse("is named by a relative path: agents work elsewhere");
    std::error_code failed;
    const auto status = fs::status(place, failed);
    if (status.type() == fs::file_type::not_found) return refuse("is not there");
    if (status.type() != fs::file_type::directory) return refuse("is not a folder");
    if (::access(place.c_str(), W_OK | X_OK) != 0) return refuse("cannot be written");
    return place;
}

agent_files::agent_files(const project& in, const task& t, const std::string& stage)
{
    const auto base = in.log_folder(t.id);
    const std::string name = std::to_string(t.attempts + 1) + (stage.empty() ? "" : "-" + git::slug(stage));
    std::error_code failed;
    fs::create_directories(base, failed);
    folder_ = base / name;
    // A stage that is repeated gets a folder of its own: logs are never overwritten.
    for (int again = 2; ::mkdir(folder_.c_str(), 0700) != 0; ++again) {
        if (errno != EEXIST) fail("a folder for the agent's log could not be made", folder_);
        folder_ = base / (name + "." + std::to_string(again));
    }
    name_temporary(t.id);
}

void agent_files::name_temporary(const std::string& task)
{
    temporary_ = temporary_folder(task);
    write_private(folder_ / temporary_name, temporary_.string()); // for whoever takes the attempt over
}

void agent_files::make_temporary(const std::string& task)
{
    while (::mkdir(temporary_.c_str(), 0700) != 0) {
        if (errno != EEXIST) fail("a temporary folder for the agent could not be made", temporary_);
        name_temporary(task); // somebody else's, who must not lose it
    }
    is_made_ = true;
}

agent_files::agent_files(fs::path folder) : folder_(std::move(folder))
{
    const auto text = read_small_file(folder_ / temporary_name);
    const std::string named = text && *text ? (*text)->substr(0, (*text)->find('\n')) : std::string();
    // An agent may have written there what it likes.
    if (fs::path(named).is_absolute() && fs::path(named).filename().string().starts_with(temporary_prefix))
        temporary_ = named;
    is_made_ = !temporary_.empty();
}

result<std::optional<std::string>> agent_files::read_result() const
{
    // Kept where the temporary folder is gone, or by an earlier version.
    auto text = read_result_at(result_file());
    return text && !*text ? read_result_at(kept_result()) : text;
}

/// False when it could not be kept: it must stay where it is then.
bool agent_files::keep_result() const
{
    const auto text = read_result_at(result_file());
    std::error_code ignored;
    if ((text && !*text) || fs::exists(kept_result(), ignored)) return true;
    try {
        // What is no file is kept as what is no result either, and says why.
        write_private(kept_result(), text ? **text : text.error().what());
    } catch (const fault_error&) {
        return false;
    }
    return true;
}

bool agent_files::holds_worktree() const
{
    std::error_code failed;
    const auto place = fs::weakly_canonical(temporary_, failed).string() + "/";
    const auto git_folder =
        folder_.parent_path().parent_path().parent_path().parent_path(); // graftline/logs/ID/1
    for (fs::directory_iterator at(git_folder / "worktrees", failed), end; !failed && at != end;
         at.increment(failed))
        if (const auto named = read_small_file(at->path() / "gitdir");
            named && *named && (*named)->starts_with(place))
            return true;
    return false;
}

awaitable<void> agent_files::drop_temporary()
{
    if (!std::exchange(is_made_, false)) co_return;
    auto drop = [this] {
        if (keep_result() && !holds_worktree()) (void)git::delete_folder(temporary_);
    };
    const bool heeds = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await offload(drop); // a job that has begun is never abandoned
    co_await asio::this_coro::throw_if_cancelled(heeds);
}

awaitable<void> drop_temporary_of(fs::path attempt)
{
    if (attempt.empty()) co_return;
    agent_files ended(std::move(attempt));
    co_await ended.drop_temporary();
}

void write_private(const fs::path& file, const std::string& text)
{
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) fail("a file for the agent could not be written", file);
    std::size_t done = 0;
    while (done < text.size()) {
        const auto n = ::write(fd, text.data() + done, text.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += static_cast<std::size_t>(n);
    }
    const int error = errno;
    ::close(fd);
    errno = error;
    if (done < text.size()) fail("a file for the agent could not be written", file);
}

std::string tail_of(const fs::path& file, std::size_t lines, std::size_t most)
{
    std::error_code gone;
    if (!fs::is_regular_file(file, gone)) return {}; // a pipe would be waited for
    std::ifstream in(file, std::ios::binary | std::ios::ate);
    if (!in) return {};
    const std::streamoff size = in.tellg();
    const auto wanted = std::min(size, static_cast<std::streamoff>(most));
    in.seekg(size - wanted);
    std::string text(static_cast<std::size_t>(wanted), '\0');
    in.read(text.data(), wanted);
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (wanted < size) text = end_of(text, text.size() - 1); // the first byte may be the end of a character
    std::size_t from = text.size();
    for (std::size_t found = 0; from > 0; --from)
        if (text[from - 1] == '\n' && from != text.size() && ++found == lines) break;
    return text.substr(from);
}

} // namespace graftline::effects
