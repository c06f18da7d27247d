#include "graftline/git/merge/merge_settings.hpp"

#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"

#include <algorithm>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// A path from the configuration; empty when it takes more than git's usual "~/" to read it.
fs::path expanded(const std::string& text, const fs::path& relative_to)
{
    if (text.starts_with("~/")) return home_folder() / text.substr(2);
    if (text.starts_with('~') || text.starts_with("%(")) return {};
    return relative_to / text;
}

bool is_false(std::string value)
{
    std::ranges::transform(value, value.begin(), [](unsigned char c) { return std::tolower(c); });
    return value == "false" || value == "no" || value == "off" || value == "0" || value.empty();
}

} // namespace

void merge_settings::watch(fs::path file)
{
    const bool known =
        std::ranges::any_of(watched_, [&](const watched_file& one) { return one.path() == file; });
    if (!known) watched_.emplace_back(std::move(file));
}

void merge_settings::apply(const std::string& key, const std::string& value, const fs::path& origin)
{
    if (key == "core.attributesfile") attributes_file_ = value;
    // The last one counts; one that says otherwise is enough of a reason to ask git.
    if (key == "merge.renormalize") for_git_ = for_git_ || !is_false(value);
    if (key == "merge.default" || key == "attr.tree") for_git_ = true;
    if (key == "merge.conflictstyle") for_git_ = for_git_ || value != "merge";
    if (!key.starts_with("include.") && !key.starts_with("includeif.")) return;
    // A file that is included once it is there, and conditions that other things decide.
    const fs::path file = expanded(value, origin.parent_path());
    const bool by_place = key.starts_with("include.") || key.starts_with("includeif.gitdir");
    if (file.empty() || origin.empty() || !by_place)
        lasting_ = false;
    else
        watch(file);
}

void merge_settings::read_attributes(const repository& repo)
{
    fs::path of_user = user_configuration() / "git" / "attributes";
    if (!attributes_file_.empty()) {
        of_user = expanded(attributes_file_, repo.common_dir());
        // Relative to wherever git stands: nobody means that.
        if (!of_user.is_absolute() || of_user != expanded(attributes_file_, "/")) for_git_ = true;
    }
    for (const fs::path& file :
         {fs::path("/etc/gitattributes"), of_user, repo.common_dir() / "info" / "attributes"}) {
        watch(file);
        merge_attributes attributes(text_of(file));
        if (!attributes.is_empty()) attributes_.push_back(std::move(attributes));
    }
}

awaitable<result<std::shared_ptr<const merge_settings>>> merge_settings::load(repository& repo)
{
    auto settings = std::make_shared<merge_settings>();
    // Before they are read: what changes meanwhile shows at the next look.
    for (fs::path& file : configuration_places(repo))
        settings->watch(std::move(file));
    const fs::path packed_refs = repo.common_dir() / "packed-refs";
    settings->watch(packed_refs);

    // Files that were not watched before they were read are read once more.
    for (std::size_t known = 0; known != settings->watched_.size();) {
        known = settings->watched_.size();
        settings->for_git_ = false;
        settings->attributes_file_.clear();
        command list = repo.git("config", "--list", "--show-origin", "-z");
        const fs::path folder = list.folder();
        auto listed = co_await repository::answer(std::move(list));
        if (!listed) co_return listed.error();
        const std::vector<std::string> records = records_of(*listed);
        for (std::size_t at = 0; at + 1 < records.size(); at += 2) {
            constexpr std::string_view file = "file:";
            const fs::path origin =
                records[at].starts_with(file) ? folder / records[at].substr(file.size()) : fs::path();
            if (!origin.empty()) settings->watch(origin);
            const std::string& entry = records[at + 1];
            const auto line = entry.find('\n');
            settings->apply(entry.substr(0, line), line == entry.npos ? "true" : entry.substr(line + 1),
                            origin);
        }
    }
    settings->attributes_.clear();
    settings->read_attributes(repo);
    // Replacements of objects: those in files of their own are looked for at each reading.
    if (text_of(packed_refs).find(" refs/replace/") != std::string::npos) settings->for_git_ = true;
    co_return std::shared_ptr<const merge_settings>(std::move(settings));
}

bool merge_settings::is_current() const
{
    return lasting_ && std::ranges::all_of(watched_, &watched_file::is_as_it_was);
}

} // namespace graftline::git
