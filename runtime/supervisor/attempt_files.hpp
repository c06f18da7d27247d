/// The files by which a supervisor and those who start, adopt or read it understand each other.
#pragma once

#include "graftline/runtime/base/fault.hpp"
#include "graftline/runtime/supervisor/supervised.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace graftline::attempt {

inline constexpr const char* lock_name = "lock";
inline constexpr const char* identity_name = "identity.json";
inline constexpr const char* exit_name = "exit.json";
inline constexpr const char* exit_draft_name = "exit.json.new";
inline constexpr const char* out_name = "stdout.log";
inline constexpr const char* err_name = "stderr.log";

std::string to_json(const attempt_spec& spec);
std::string to_json(const process_identity& identity);
std::string to_json(const exit_record& record);

/// Errors of all three: corrupt.
result<attempt_spec> read_spec(std::string_view json);
result<process_identity> read_identity(std::string_view json);
result<exit_record> read_exit_record(std::string_view json);

/// What a supervisor answers when asked to start: nothing wrong, or why not.
std::string to_answer(const result<process_identity>& taken_on);
result<process_identity> read_answer(std::string_view json);

/// Makes `file` hold `text`, all at once for whoever reads it. Mode 0600.
result<void> replace_file(const std::filesystem::path& file, std::string_view text);

} // namespace graftline::attempt
