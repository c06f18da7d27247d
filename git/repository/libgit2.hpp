/// libgit2 from C++: handles that free themselves, its errors as faults, and a lane that keeps it off the
/// loop.
#pragma once

#include "graftline/git/repository/durability.hpp"
#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>

#include <git2.h>

#include <filesystem>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace graftline::git {

template <class T, void (*Free)(T*)> struct freer {
    void operator()(T* handle) const noexcept { Free(handle); }
};
template <class T, void (*Free)(T*)> using owned = std::unique_ptr<T, freer<T, Free>>;

using repository_ptr = owned<git_repository, git_repository_free>;
using reference_ptr = owned<git_reference, git_reference_free>;
using object_ptr = owned<git_object, git_object_free>;
using commit_ptr = owned<git_commit, git_commit_free>;
using tree_ptr = owned<git_tree, git_tree_free>;
using diff_ptr = owned<git_diff, git_diff_free>;
using odb_ptr = owned<git_odb, git_odb_free>;
using config_ptr = owned<git_config, git_config_free>;
static_assert(sizeof(repository_ptr) == sizeof(void*));

/// Lets a C function fill an owner: `git_commit_lookup(out(commit), ...)`. Filled when the full expression
/// ends.
template <class Owner> class out_pointer {
public:
    explicit out_pointer(Owner& owner) : owner_(owner) {}
    out_pointer(const out_pointer&) = delete;
    out_pointer& operator=(const out_pointer&) = delete;
    ~out_pointer() { owner_.reset(handle_); }
    operator typename Owner::pointer *() noexcept { return &handle_; }

private:
    Owner& owner_;
    typename Owner::pointer handle_ = nullptr;
};
template <class Owner> out_pointer<Owner> out(Owner& owner)
{
    return out_pointer<Owner>(owner);
}

/// libgit2's own return codes as error codes; a held lock reads as "resource unavailable, try again".
const boost::system::error_category& libgit2_category() noexcept;

/// The fault of a call that just returned `code` < 0. Same thread, before anything else: its words are
/// thread-local.
fault last_fault(int code, std::string what);

oid to_oid(const git_oid& id);
/// Errors: invalid, when it is not a SHA-1 id.
result<git_oid> from_oid(const oid& id);

/// libgit2 is ready while one of these lives; counted, so that a host may use it as well.
class libgit2_use {
public:
    libgit2_use() { git_libgit2_init(); }
    libgit2_use(const libgit2_use&) = delete;
    libgit2_use& operator=(const libgit2_use&) = delete;
    ~libgit2_use() { git_libgit2_shutdown(); }
};

/// Keeps libgit2 ready until the threads of a context's pool have ended: what libgit2 keeps for a thread is
/// freed at the thread's end, but only while libgit2 is in use.
class libgit2_service : public asio::execution_context::service {
public:
    using key_type = libgit2_service;
    static asio::execution_context::id id;

    explicit libgit2_service(asio::execution_context& context) : service(context) {}

private:
    void shutdown() override {}

    libgit2_use use_;
};

/// One handle of one repository, used by one job at a time, on the blocking pool. It is opened anew now and
/// then: libgit2 holds on to every pack that it has read, and each landing makes one.
class libgit2_lane {
public:
    /// With `durability::power` what is written through the handle is flushed to the disk.
    libgit2_lane(asio::any_io_executor loop, std::filesystem::path git_dir,
                 durability of_writes = durability::process);

    /// Runs `job(git_repository&)`, which returns a `result`, and resumes on the loop. The handle is opened
    /// by the first job; a failure to open it is the job's result. Values only may leave the job, no git_
    /// pointers. Cancellation: the job is waited for. Lifetime: borrows the lane.
    template <class Job> awaitable<std::invoke_result_t<Job&, git_repository&>> run(Job job)
    {
        auto on_pool = [handle = handle_,
                        job = std::move(job)]() mutable -> std::invoke_result_t<Job&, git_repository&> {
            auto repository = handle->get();
            if (!repository) return repository.error();
            return job(**repository);
        };
        co_return co_await lane_.run(std::move(on_pool));
    }

private:
    /// Shared with a job that is still on the pool when the lane goes.
    class lazy_handle {
    public:
        lazy_handle(std::filesystem::path git_dir, durability of_writes)
            : git_dir_(std::move(git_dir)), of_writes_(of_writes)
        {
        }
        result<git_repository*> get();

    private:
        result<void> open();

        std::filesystem::path git_dir_;
        durability of_writes_;
        int jobs_ = 0; ///< since it was opened
        libgit2_use use_;
        descriptor settings_; ///< ours beside the user's, which libgit2 may read again
        repository_ptr repository_;
    };

    std::shared_ptr<lazy_handle> handle_;
    lane lane_;
};

} // namespace graftline::git
