#include "graftline/runtime/supervisor/attempt_files.hpp"

#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/base/json_text.hpp"
#include "graftline/runtime/files/open_files.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_to.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

namespace graftline {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 7> ending_names{
    "exited", "signaled", "timed_out", "cancelled", "log_limit", "could_not_start", "lost"};

utc_time time_of(const json::value& text)
{
    return from_iso8601(json::value_to<std::string>(text)).value_or(utc_time{});
}

// Reads one of our own documents; anything unexpected in it makes it corrupt.
template <class Read>
auto read_document(std::string_view text, const char* what, Read read)
    -> result<decltype(read(std::declval<const json::value&>()))>
{
    try {
        return read(parse_json(text).value());
    } catch (const std::exception& broken) {
        return fault(errc::corrupt, std::string(what) + " does not read back").with("cause", broken.what());
    }
}

json::value json_of(const process_identity& identity)
{
    return {{"pid", identity.pid},
            {"start_time", identity.start_time},
            {"boot_id", identity.boot_id},
            {"pid_namespace", identity.pid_namespace},
            {"cgroup", identity.cgroup},
            {"token", identity.token},
            {"started_at", to_iso8601(identity.started_at)}};
}

process_identity identity_of(const json::value& v)
{
    return {v.at("pid").to_number<pid_t>(),
            v.at("start_time").to_number<std::uint64_t>(),
            json::value_to<std::string>(v.at("boot_id")),
            json::value_to<std::string>(v.at("pid_namespace")),
            json::value_to<std::string>(v.at("cgroup")),
            json::value_to<std::string>(v.at("token")),
            time_of(v.at("started_at"))};
}

json::value json_of(const fault& f)
{
    json::array context;
    for (const auto& [key, value] : f.context())
        context.push_back({key, value});
    return {{"code", f.code().value()},
            {"ours", f.code().category() == make_error_code(errc::internal).category()},
            {"what", f.what()},
            {"advice", f.advice()},
            {"context", context}};
}

fault fault_of(const json::value& v)
{
    const int number = v.at("code").to_number<int>();
    const auto code = v.at("ours").as_bool() ? make_error_code(static_cast<errc>(number))
                                             : error_code(number, boost::system::system_category());
    fault f(code, json::value_to<std::string>(v.at("what")));
    f.advise(json::value_to<std::string>(v.at("advice")));
    for (const auto& pair : v.at("context").as_array()) {
        f.with(json::value_to<std::string>(pair.at(0)), json::value_to<std::string>(pair.at(1)));
    }
    return f;
}

} // namespace

std::string_view to_string(ending how) noexcept
{
    return ending_names[static_cast<std::size_t>(how)];
}

namespace attempt {

std::string to_json(const attempt_spec& spec)
{
    json::object v{{"folder", spec.folder.native()},
                   {"words", json::value_from(spec.words)},
                   {"cwd", spec.cwd.native()},
                   {"grace_ms", spec.grace.count()},
                   {"log_limit", spec.log_limit}};
    if (spec.standard_input) v["standard_input"] = spec.standard_input->native();
    if (spec.timeout) v["timeout_ms"] = spec.timeout->count();
    if (const auto files = spec.open_files ? spec.open_files : usual_open_files()) v["open_files"] = *files;
    return json::serialize(v);
}

std::string to_json(const process_identity& identity)
{
    return json::serialize(json_of(identity));
}

std::string to_json(const exit_record& record)
{
    json::object v{{"how", to_string(record.how)},
                   {"code", record.code},
                   {"signal", record.signo},
                   {"words", record.words},
                   {"started_at", to_iso8601(record.started_at)},
                   {"ended_at", to_iso8601(record.ended_at)}};
    if (!record.full_disk.empty()) v["full_disk"] = record.full_disk;
    return json::serialize(v);
}

result<attempt_spec> read_spec(std::string_view text)
{
    return read_document(text, "what to run", [](const json::value& v) {
        attempt_spec spec(json::value_to<std::string>(v.at("folder")),
                          json::value_to<std::vector<std::string>>(v.at("words")));
        spec.cwd = json::value_to<std::string>(v.at("cwd"));
        spec.grace = std::chrono::milliseconds(v.at("grace_ms").to_number<std::int64_t>());
        spec.log_limit = v.at("log_limit").to_number<std::uint64_t>();
        const auto& o = v.as_object();
        if (auto* file = o.if_contains("standard_input"))
            spec.standard_input = json::value_to<std::string>(*file);
        if (auto* time = o.if_contains("timeout_ms")) {
            spec.timeout = std::chrono::milliseconds(time->to_number<std::int64_t>());
        }
        if (auto* files = o.if_contains("open_files")) spec.open_files = files->to_number<std::uint64_t>();
        return spec;
    });
}

result<process_identity> read_identity(std::string_view text)
{
    return read_document(text, identity_name, identity_of);
}

result<exit_record> read_exit_record(std::string_view text)
{
    return read_document(text, exit_name, [](const json::value& v) {
        const auto how = json::value_to<std::string>(v.at("how"));
        const auto found = std::find(ending_names.begin(), ending_names.end(), how);
        if (found == ending_names.end()) throw std::runtime_error("unknown ending " + how);
        exit_record record{static_cast<ending>(found - ending_names.begin()),
                           v.at("code").to_number<int>(),
                           v.at("signal").to_number<int>(),
                           json::value_to<std::string>(v.at("words")),
                           time_of(v.at("started_at")),
                           time_of(v.at("ended_at")),
                           {}};
        if (const auto* folder = v.as_object().if_contains("full_disk"))
            record.full_disk = json::value_to<std::string>(*folder);
        return record;
    });
}

std::string to_answer(const result<process_identity>& taken_on)
{
    return json::serialize(taken_on ? json::value{{"identity", json_of(*taken_on)}}
                                    : json::value{{"fault", json_of(taken_on.error())}});
}

result<process_identity> read_answer(std::string_view text)
{
    struct answer {
        process_identity identity;
        std::optional<fault> refusal;
    };
    auto read = read_document(text, "the supervisor's answer", [](const json::value& v) {
        const auto* refused = v.as_object().if_contains("fault");
        return refused ? answer{{}, fault_of(*refused)} : answer{identity_of(v.at("identity")), {}};
    });
    if (!read) return read.error();
    if (read->refusal) return *read->refusal;
    return std::move(read->identity);
}

result<void> replace_file(const std::filesystem::path& file, std::string_view text)
{
    auto draft = file;
    draft += ".new";
    descriptor out(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!out || !write_all(out.get(), text) || ::rename(draft.c_str(), file.c_str()) != 0) {
        const int why = errno;
        ::unlink(draft.c_str());
        return system_fault(why, "could not write " + file.string());
    }
    return {};
}

} // namespace attempt
} // namespace graftline
