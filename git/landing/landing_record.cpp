#include "graftline/git/landing/landing_record.hpp"

#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/runtime/base/json_text.hpp"

#include <boost/json.hpp>

#include <chrono>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

std::string line_of(const recorded_landing& landed)
{
    return boost::json::serialize(boost::json::object{{"at", landed.at},
                                                      {"from", landed.from.hex()},
                                                      {"to", landed.to.hex()},
                                                      {"git_dir", landed.git_dir.string()}}) +
           "\n";
}

} // namespace

fs::path landing_record_file(const repository& repo)
{
    return repo.state_folder() / "landed";
}

result<void> record_landing(const repository& repo, recorded_landing landed)
{
    landed.at =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    return replace_file(landing_record_file(repo), text_of(landing_record_file(repo)) + line_of(landed));
}

std::vector<recorded_landing> recorded_landings(const repository& repo)
{
    std::vector<recorded_landing> landings;
    for (const std::string& line : records_of(text_of(landing_record_file(repo)), '\n')) {
        const auto value = parse_json(line);
        if (!value || !value->is_object()) continue;
        const auto text = [&](const char* key) -> std::string {
            const auto* found = value->as_object().if_contains(key);
            return found && found->is_string() ? std::string(found->as_string()) : std::string();
        };
        const auto* at = value->as_object().if_contains("at");
        const auto from = oid::parse(text("from"));
        const auto to = oid::parse(text("to"));
        if (at && at->is_int64() && from && to)
            landings.emplace_back(text("git_dir"), *from, *to, at->as_int64());
    }
    return landings;
}

result<void> keep_landings(const repository& repo, const std::vector<recorded_landing>& landings)
{
    const fs::path file = landing_record_file(repo);
    if (landings.empty()) {
        std::error_code failed;
        fs::remove(file, failed);
        if (failed) return system_fault(failed.value(), "cannot remove " + file.string());
        return {};
    }
    std::string text;
    for (const recorded_landing& landed : landings)
        text += line_of(landed);
    return replace_file(file, text);
}

} // namespace graftline::git
