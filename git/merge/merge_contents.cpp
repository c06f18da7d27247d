#include "graftline/git/merge/merge_contents.hpp"

#include "graftline/git/merge/xdiff.hpp"

#include <git2/sys/alloc.h>

#include <cstdlib>
#include <cstring>
#include <memory>

#ifdef GRAFTLINE_XDIFF
namespace {

// xdiff allocates through a table of libgit2's, of which only these three are called.
void* take(std::size_t bytes, const char*, int)
{
    return std::malloc(bytes);
}
void* take_more(void* had, std::size_t bytes, const char*, int)
{
    return std::realloc(had, bytes);
}
void* take_array(std::size_t count, std::size_t size, const char*, int)
{
    return size != 0 && count > SIZE_MAX / size ? nullptr : std::malloc(count * size);
}
void* take_zeroes(std::size_t count, std::size_t size, const char*, int)
{
    return std::calloc(count, size);
}
void* take_more_array(void* had, std::size_t count, std::size_t size, const char*, int)
{
    return ::reallocarray(had, count, size);
}

} // namespace

extern "C" {
extern git_allocator graftline_xdiff_allocator;
git_allocator graftline_xdiff_allocator{take,      take_zeroes,     nullptr,    nullptr,  nullptr,
                                        take_more, take_more_array, take_array, std::free};
}
#endif

namespace graftline::git {
bool can_merge_contents() noexcept
{
#ifdef GRAFTLINE_XDIFF
    return true;
#else
    return false;
#endif
}

#ifdef GRAFTLINE_XDIFF
namespace {

/// git takes a file for binary when there is a NUL among its first bytes.
constexpr std::size_t looked_through = 8000;

bool is_for_git(std::string_view contents)
{
    return contents.size() > largest_merged || contents.substr(0, looked_through).find('\0') != contents.npos;
}

} // namespace

result<merged_contents> merge_contents(std::string_view base, std::string_view ours, std::string_view theirs,
                                       const side_labels& labels)
{
    if (is_for_git(base) || is_for_git(ours) || is_for_git(theirs))
        return fault(errc::unsupported, "binary or huge contents");
    const auto input = [](std::string_view contents) {
        return xdiff::text{const_cast<char*>(contents.data()), static_cast<long>(contents.size())};
    };
    xdiff::text original = input(base);
    xdiff::text one = input(ours);
    xdiff::text other = input(theirs);
    xdiff::merge_parameters how{};
    how.compared.flags = xdiff::histogram;
    how.level = xdiff::zealous;
    how.marker_size = 7;
    how.ours_label = labels.ours.c_str();
    how.theirs_label = labels.theirs.c_str();

    xdiff::text merged{};
    const int conflicts = xdiff::graftline_xdl_merge(&original, &one, &other, &how, &merged);
    const std::unique_ptr<char, decltype(&std::free)> owner(merged.bytes, &std::free);
    if (conflicts < 0 || (!merged.bytes && merged.size > 0)) return fault(errc::unsupported, "not merged");
    return merged_contents{std::string(merged.bytes, static_cast<std::size_t>(merged.size)), conflicts == 0};
}
#else
result<merged_contents> merge_contents(std::string_view, std::string_view, std::string_view,
                                       const side_labels&)
{
    return fault(errc::unsupported, "built without xdiff");
}
#endif

} // namespace graftline::git
