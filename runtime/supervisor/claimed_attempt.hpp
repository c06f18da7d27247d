/// An attempt that is ours: nobody else runs it, and nobody ran it before.
#pragma once

#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/base/fault.hpp"
#include "graftline/runtime/files/file_lock.hpp"
#include "graftline/runtime/process/control_group.hpp"
#include "graftline/runtime/supervisor/supervised.hpp"

#include <filesystem>
#include <optional>

namespace graftline {

/// Held by a supervisor from its claim to its end. Gives the lock back, and wakes who waits for it, when it
/// goes.
class claimed_attempt {
public:
    /// Locks the attempt's folder. Errors: busy when somebody holds it, exists when it was claimed before.
    static result<claimed_attempt> take(const attempt_spec& spec);

    /// From here on the attempt counts as claimed, whatever becomes of us. Room for the record of the end is
    /// reserved before, so that an agent that fills the disk still has an end.
    result<void> write_identity();

    /// Records the end, at once for its readers.
    void write_end(const exit_record& record);

    const process_identity& identity() const noexcept { return identity_; }
    const control_group* group() const noexcept { return group_ ? &*group_ : nullptr; }

private:
    claimed_attempt(std::filesystem::path folder, file_lock::lease lock);

    std::filesystem::path folder_;
    file_lock::lease lock_;
    std::optional<control_group> group_;
    process_identity identity_;
    descriptor draft_;
};

} // namespace graftline
