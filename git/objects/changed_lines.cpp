#include "graftline/git/objects/changed_lines.hpp"

#include "graftline/git/repository/libgit2.hpp"

namespace graftline::git {
namespace {

std::string without_end(std::string_view line)
{
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return std::string(line);
}

int begin_run(const git_diff_delta*, const git_diff_hunk* hunk, void* into)
{
    auto& runs = *static_cast<std::vector<changed_run>*>(into);
    runs.push_back({static_cast<std::size_t>(hunk->old_start), {}, {}});
    return 0;
}

int take_line(const git_diff_delta*, const git_diff_hunk*, const git_diff_line* line, void* into)
{
    auto& runs = *static_cast<std::vector<changed_run>*>(into);
    if (runs.empty()) return 0;
    const std::string_view text(line->content, line->content_len);
    if (line->origin == GIT_DIFF_LINE_DELETION) runs.back().removed.push_back(without_end(text));
    if (line->origin == GIT_DIFF_LINE_ADDITION) runs.back().added.push_back(without_end(text));
    return 0;
}

} // namespace

result<std::vector<changed_run>> changed_lines(std::string_view before, std::string_view after)
{
    const libgit2_use in_use;
    git_diff_options how{};
    git_diff_options_init(&how, GIT_DIFF_OPTIONS_VERSION);
    how.context_lines = 0;
    how.interhunk_lines = 0;
    how.flags = GIT_DIFF_FORCE_TEXT | GIT_DIFF_PATIENCE;
    std::vector<changed_run> runs;
    const int code = git_diff_buffers(before.data(), before.size(), nullptr, after.data(), after.size(),
                                      nullptr, &how, nullptr, nullptr, begin_run, take_line, &runs);
    if (code < 0) return last_fault(code, "two texts cannot be compared");
    return runs;
}

std::vector<std::string> lines_in(std::string_view text)
{
    std::vector<std::string> lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        lines.push_back(without_end(text.substr(0, end)));
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
    return lines;
}

} // namespace graftline::git
