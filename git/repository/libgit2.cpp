#include "graftline/git/repository/libgit2.hpp"

#include "graftline/git/repository/failure_words.hpp"

#include <boost/asio/execution/context.hpp>
#include <boost/asio/query.hpp>

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

namespace graftline::git {
namespace {

class category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "libgit2"; }
    std::string message(int code) const override { return "libgit2 error " + std::to_string(code); }
    boost::system::error_condition default_error_condition(int code) const noexcept override
    {
        namespace errors = boost::system::errc;
        if (code == GIT_ELOCKED) return errors::make_error_condition(errors::resource_unavailable_try_again);
        if (code == GIT_ENOTFOUND) return errors::make_error_condition(errors::no_such_file_or_directory);
        return {code, *this};
    }
};

} // namespace

const boost::system::error_category& libgit2_category() noexcept
{
    static const category the_category;
    return the_category;
}

fault last_fault(int code, std::string what)
{
    const git_error* error = git_error_last();
    const std::string words = error && error->message ? error->message : "says nothing";
    fault f(kind_of_failure(words, error_code(code, libgit2_category())), std::move(what));
    return std::move(f).with("libgit2", words);
}

oid to_oid(const git_oid& id)
{
    std::string hex(GIT_OID_HEXSZ, '0');
    git_oid_fmt(hex.data(), &id);
    return oid(std::move(hex));
}

result<git_oid> from_oid(const oid& id)
{
    git_oid raw;
    if (id.hex().size() != GIT_OID_HEXSZ || git_oid_fromstr(&raw, id.hex().c_str()) < 0)
        return fault(errc::invalid, "not a SHA-1 object id: " + id.hex());
    return raw;
}

asio::execution_context::id libgit2_service::id;

libgit2_lane::libgit2_lane(asio::any_io_executor loop, std::filesystem::path git_dir, durability of_writes)
    : handle_(std::make_shared<lazy_handle>(std::move(git_dir), of_writes)), lane_(loop)
{
    asio::use_service<libgit2_service>(asio::query(loop, asio::execution::context));
}

result<void> libgit2_lane::lazy_handle::open()
{
    jobs_ = 0;
    int code = git_repository_open(out(repository_), git_dir_.c_str());
    if (code < 0) return last_fault(code, "libgit2 cannot open the repository");
    if (of_writes_ == durability::process) return {};
    // For this handle alone; the switch that libgit2 offers beside it is for the whole process.
    config_ptr config;
    code = git_repository_config(out(config), repository_.get());
    // In memory: a command that only reads leaves no file behind.
    settings_ = descriptor(::memfd_create("graftline-settings", MFD_CLOEXEC));
    if (!settings_ || !write_all(settings_.get(), "[core]\n\tfsyncObjectFiles = true\n"))
        return system_fault(errno, "libgit2 cannot be told to flush what it writes");
    const std::string file = "/proc/self/fd/" + std::to_string(settings_.get());
    if (code == 0)
        code = git_config_add_file_ondisk(config.get(), file.c_str(), GIT_CONFIG_LEVEL_APP, repository_.get(),
                                          true);
    if (code < 0) return last_fault(code, "libgit2 cannot be told to flush what it writes");
    return {};
}

result<git_repository*> libgit2_lane::lazy_handle::get()
{
    constexpr int jobs_of_a_handle = 500;
    if (!repository_ || ++jobs_ > jobs_of_a_handle) {
        auto opened = open();
        if (!opened) {
            repository_.reset();
            return opened.error();
        }
    }
    return repository_.get();
}

} // namespace graftline::git
