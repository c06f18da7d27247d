#include "graftline/git/scratch.hpp"

#include "graftline/git/repository.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace graftline::git {
namespace fs = std::filesystem;

result<scratch_folder> scratch_folder::make(const repository& repo, std::string_view purpose)
{
    const fs::path parent = repo.state_folder() / "scratch";
    std::error_code failed;
    fs::create_directories(parent, failed);
    if (failed) return system_fault(failed.value(), "cannot make " + parent.string());
    std::string name = (parent / purpose).string() + "-XXXXXX";
    if (!::mkdtemp(name.data())) return system_fault(errno, "cannot make a folder in " + parent.string());
    return scratch_folder(fs::path(name));
}

scratch_folder::~scratch_folder()
{
    std::error_code ignored; // what stays is only a few bytes in our own state folder
    if (!path_.empty()) fs::remove_all(path_, ignored);
}

result<void> replace_file(const fs::path& file, std::string_view text)
{
    const fs::path fresh = file.string() + ".new-" + std::to_string(::getpid());
    errno = 0;
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.close();
    if (!out || ::rename(fresh.c_str(), file.c_str()) != 0) {
        const int why = errno;
        ::unlink(fresh.c_str());
        return system_fault(why ? why : EIO, "cannot write " + file.string());
    }
    return {};
}

result<void> copy_index_file(const fs::path& from, const fs::path& to)
{
    std::error_code failed;
    const auto time = fs::last_write_time(from, failed); // before its contents: too old is safe
    if (!failed) fs::copy_file(from, to, fs::copy_options::overwrite_existing, failed);
    if (!failed) fs::last_write_time(to, time, failed);
    if (failed) return system_fault(failed.value(), "cannot copy " + from.string());
    return {};
}

std::string text_of(const fs::path& file)
{
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    if (in) text << in.rdbuf();
    return std::move(text).str();
}

} // namespace graftline::git
