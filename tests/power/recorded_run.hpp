/// A run of graftline on a logging disk: what it said, and what it made.
#pragma once

#include "tests/power/disk_history.hpp"
#include "tests/power/logged_disk.hpp"
#include "tests/power/power_lab.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace graftline::test {

/// What is run, and in which circumstances.
struct run_shape {
    std::string name;
    std::string file_system = "ext4";
    std::string target = "main"; ///< checked out where the command runs; "trunk" is nowhere
    bool lands = true;
    bool gives_up = false; ///< some tasks fail, and tasks are retried, discarded and cleaned away afterwards
    int places = 1;
    int tasks = 12;
    std::string length = "0.5"; ///< of an agent, in seconds
    std::string durability;     ///< empty is the default
};

/// One task, and what its agent made while the disk was recorded.
struct recorded_task {
    std::string id;
    std::string description;
    std::string commit; ///< tip of its branch when it was completed; empty if it failed
    std::string landed; ///< on the target; empty if it did not
    files made;
};

/// One cut. Made again from the same recording it gives the same disk.
struct power_cut {
    std::size_t at; ///< the event before which the power goes
    survivors which;
    std::uint64_t seed;
    bool of_disk_alone = false; ///< the machine stays up: the same boot goes on
};

/// Records when it is made. Throws when the run does not end as it must without a cut.
class recorded_run {
public:
    recorded_run(const power_lab& lab, run_shape shape);
    /// The resume of a run after a cut of its disk.
    recorded_run(const power_lab& lab, const recorded_run& before, const power_cut& cut);

    const run_shape& shape() const { return shape_; }
    const disk_history& history() const { return *history_; }
    const std::vector<recorded_task>& tasks() const { return tasks_; }
    const files& base() const { return base_; }
    const machine_boot& boot() const { return boot_; }
    /// The first event of the run, and the one after its last.
    std::size_t begin() const { return begin_; }
    std::size_t end() const { return end_; }
    /// The events right after each line that promises something.
    std::vector<std::size_t> after_what_was_said() const;
    /// The lines that had been said before event `at`.
    std::vector<std::string> said_before(std::size_t at) const;

private:
    std::filesystem::path log() const;
    void record(const std::vector<std::string>& words);
    void carry_out(const logged_disk& disk, const std::vector<std::string>& words);
    void give_up(const logged_disk& disk);
    void note_tasks();
    std::vector<std::string> words() const;

    const power_lab& lab_;
    run_shape shape_;
    std::filesystem::path image_;
    std::vector<recorded_task> tasks_;
    files base_;
    machine_boot boot_;
    std::vector<std::string> said_earlier_; ///< before the disk was recorded
    std::optional<disk_history> history_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

} // namespace graftline::test
