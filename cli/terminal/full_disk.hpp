/// The end of a process that could not write to memory because a disk is full.
#pragma once

namespace graftline::cli {

/// SQLite shares memory between processes as a mapped file, and where a file system copies what is written
/// (btrfs), a full one answers a write to it with SIGBUS. From now on that ends the process with the reason
/// and the exit status of an unusable disk: nothing is lost, for a process may die at any moment, and its
/// agents go on until `graftline resume` takes them over. Any other SIGBUS does what it did before.
void explain_a_full_disk_under_shared_memory();

} // namespace graftline::cli
