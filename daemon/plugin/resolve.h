// SPDX-License-Identifier: Apache-2.0
// Host names to addresses by the system's resolver. Blocks, and cannot be stopped but by ending the process.
#pragma once

#include <string>
#include <vector>

#include "mutual/error.h"

namespace mutual::plugin {

inline constexpr std::size_t most_addresses = 16;

// Numeric, in the order in which to try them (RFC 6724), without repetition.
Result<std::vector<std::string>> resolve(const std::string& host);

}  // namespace mutual::plugin
