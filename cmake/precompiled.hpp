// What nearly every file includes; a header must still include what it uses (tests/house checks each alone).
#pragma once

#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/base/fault.hpp"
#include "graftline/runtime/process/command.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/json.hpp>
#include <boost/system/result.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>
