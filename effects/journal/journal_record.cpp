#include "graftline/effects/journal/journal_record.hpp"

#include "graftline/effects/db/checksum.hpp"
#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/files/disk_flush.hpp"
#include "graftline/runtime/files/small_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_file = std::size_t{1} << 30;

const std::string journal_rows =
    "SELECT number, time, run, event, path, kind, detail, body, file, checksum FROM journal ";

/// Over everything that a record tells.
std::int64_t checksum_of(const journal_record& r)
{
    checksum sum;
    const std::array<std::int64_t, 4> numbers{r.time_ms, r.run, static_cast<std::int64_t>(r.event), r.detail};
    sum.add(numbers.data(), sizeof numbers);
    for (const std::string* text : {&r.path, &r.kind, &r.body})
        sum.add(*text);
    return sum.value();
}

/// A name that no other record has, relative to the database's folder: an effect may be put off many times.
fs::path file_for(const fs::path& folder, const journal_record& r)
{
    const auto begin = r.path + "." + std::string(to_string(r.event));
    auto file = journal_inserter::files_of(r.run) / (begin + ".json");
    std::error_code ignored;
    for (int other = 2; fs::exists(folder / file, ignored); ++other)
        file.replace_filename(begin + "." + std::to_string(other) + ".json");
    return file;
}

void write_file(const fs::path& file, const std::string& text)
{
    std::error_code ignored; // the write below says what is wrong
    fs::create_directories(file.parent_path(), ignored);
    const fs::path fresh = file.string() + ".new";
    const descriptor out(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const bool placed = out && write_all(out.get(), text) && ::fdatasync(out.get()) == 0 &&
                        ::rename(fresh.c_str(), file.c_str()) == 0;
    // The record must not outlive the file's name: two folders above it may be new, too.
    if (!placed || !flush_file(file.parent_path()) || !flush_file(file.parent_path().parent_path()) ||
        !flush_file(file.parent_path().parent_path().parent_path()))
        throw fault_error(system_fault(errno, "a result could not be written beside the journal")
                              .with("file", file.string()));
}

std::string read_file(const fs::path& file)
{
    auto text = read_small_file(file, largest_file);
    return text && *text ? std::move(**text) : std::string(); // the checksum tells
}

fault not_as_written(database& db, const journal_record& r)
{
    auto run = db.query("SELECT id FROM runs WHERE number = ?", r.run);
    return fault(errc::corrupt, "a record of the journal does not read back as it was written")
        .with("run", run.next() ? run.text(0) : std::to_string(r.run))
        .with("path", r.path)
        .with("record", std::to_string(r.number) + ", " + std::string(to_string(r.event)))
        .advise("Its run cannot be gone on with; its tasks and their work are as they were. "
                "See them: graftline status --all\n"
                "  Begin one again: graftline retry TASK. Land one that is done: "
                "graftline land TASK");
}

} // namespace

std::string_view to_string(journal_event event) noexcept
{
    switch (event) {
    case journal_event::requested: return "requested";
    case journal_event::started: return "started";
    case journal_event::resolved: return "resolved";
    case journal_event::delivered: return "delivered";
    case journal_event::task: return "task";
    case journal_event::run: return "run";
    case journal_event::put_off: return "put_off";
    }
    return "unknown";
}

journal_inserter::journal_inserter(database& db, fs::path folder)
    : folder_(std::move(folder)),
      insert_(db.query("INSERT INTO journal (time, run, event, path, kind, detail, body, file, checksum) "
                       "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"))
{
}

fs::path journal_inserter::files_of(std::int64_t run)
{
    return fs::path("journal") / std::to_string(run);
}

void journal_inserter::insert(const journal_record& r)
{
    insert_.reset();
    insert_.bind(1, r.time_ms);
    insert_.bind(2, r.run);
    insert_.bind(3, static_cast<std::int64_t>(r.event));
    insert_.bind(4, r.path);
    insert_.bind(5, r.kind);
    insert_.bind(6, r.detail);
    if (r.body.size() > largest_body) {
        const auto file = file_for(folder_, r);
        write_file(folder_ / file, r.body);
        insert_.bind(7, nullptr);
        insert_.bind(8, file.string());
    } else {
        insert_.bind(7, r.body);
        insert_.bind(8, nullptr);
    }
    insert_.bind(9, checksum_of(r));
    insert_.run();
}

journal_reader::journal_reader(database& db, fs::path folder, std::int64_t after,
                               std::optional<std::int64_t> run)
    : db_(db), folder_(std::move(folder)),
      rows_(run ? db.query(journal_rows + "WHERE run = ? AND number > ? ORDER BY number", *run, after)
                : db.query(journal_rows + "WHERE number > ? ORDER BY number", after))
{
}

std::optional<journal_record> journal_reader::next(const if_bad& bad)
{
    while (rows_.next()) {
        journal_record r;
        r.number = rows_.integer(0);
        r.time_ms = rows_.integer(1);
        r.run = rows_.integer(2);
        r.event = static_cast<journal_event>(rows_.integer(3));
        r.path = rows_.text(4);
        r.kind = rows_.text(5);
        r.detail = rows_.integer(6);
        r.body = rows_.is_null(8) ? rows_.text(7) : read_file(folder_ / rows_.text(8));
        if (rows_.integer(9) == checksum_of(r)) return r;
        auto why = not_as_written(db_, r);
        if (!bad) throw fault_error(std::move(why));
        bad(r.number, std::move(why));
    }
    return std::nullopt;
}

} // namespace graftline::effects
