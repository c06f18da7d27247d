#include "graftline/runtime/supervisor/claimed_attempt.hpp"

#include "graftline/runtime/base/utf8.hpp"
#include "graftline/runtime/process/process_tree.hpp"
#include "graftline/runtime/supervisor/attempt_files.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>

namespace graftline {
namespace {

constexpr off_t room_for_end = 8192;
constexpr std::size_t longest_words = 4096; // of the record, so that it fits into its room

std::string fresh_token()
{
    unsigned char bytes[16]{};
    if (::getrandom(bytes, sizeof bytes, 0) < 0) return {};
    std::string token;
    for (unsigned char byte : bytes) {
        token += "0123456789abcdef"[byte >> 4];
        token += "0123456789abcdef"[byte & 15];
    }
    return token;
}

} // namespace

result<claimed_attempt> claimed_attempt::take(const attempt_spec& spec)
{
    // No executor: only waiting for a lock needs one.
    auto lock = file_lock(asio::any_io_executor(), spec.folder / attempt::lock_name).try_acquire();
    if (!lock) return lock.error();
    if (!*lock) {
        return fault(errc::busy, "the attempt is running already").with("attempt", spec.folder.string());
    }
    const auto claimed = read_identity(spec.folder);
    const auto ended = read_exit_record(spec.folder);
    if (!claimed || !ended || *claimed || *ended)
        return fault(errc::exists, "the attempt was made before").with("attempt", spec.folder.string());
    return claimed_attempt(spec.folder, std::move(**lock));
}

claimed_attempt::claimed_attempt(std::filesystem::path folder, file_lock::lease lock)
    : folder_(std::move(folder)), lock_(std::move(lock))
{
    const auto self = facts_of(::getpid());
    identity_.pid = ::getpid();
    identity_.start_time = self ? self->start_time : 0;
    identity_.boot_id = boot_id();
    identity_.pid_namespace = pid_namespace();
    identity_.token = fresh_token();
    identity_.started_at = real_clock().now();
    const auto group = control_group::place("graftline-" + std::to_string(identity_.pid) + "-" +
                                            std::to_string(identity_.start_time));
    if (group) identity_.cgroup = group->string();
}

result<void> claimed_attempt::write_identity()
{
    const auto draft = folder_ / attempt::exit_draft_name;
    draft_ = descriptor(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    const int full = draft_ ? ::posix_fallocate(draft_.get(), 0, room_for_end) : errno;
    if (full != 0) return system_fault(full, "could not reserve room for the end of " + folder_.string());
    auto written = attempt::replace_file(folder_ / attempt::identity_name, attempt::to_json(identity_));
    if (!written || identity_.cgroup.empty()) return written;
    // Made after it is on record, so that whoever finds us dead can remove it.
    if (auto group = control_group::make(identity_.cgroup)) group_.emplace(std::move(*group));
    return {};
}

void claimed_attempt::write_end(const exit_record& record)
{
    auto short_enough = record;
    short_enough.words = beginning_of(record.words, longest_words);
    const auto text = attempt::to_json(short_enough);
    // Without a record the attempt counts as lost, which is what it is then.
    if (::pwrite(draft_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) return;
    if (::ftruncate(draft_.get(), static_cast<off_t>(text.size())) != 0) return;
    ::rename((folder_ / attempt::exit_draft_name).c_str(), (folder_ / attempt::exit_name).c_str());
}

} // namespace graftline
