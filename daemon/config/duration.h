// SPDX-License-Identifier: Apache-2.0
// Times in the configuration: a whole number and a unit, "500ms", "10s", "5min", "2h", "1d".
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace mutual::config {

// Nullopt: not written like that, or longer than 100 years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
// In the largest unit that leaves a whole number.
std::string to_text(std::chrono::milliseconds duration);

}  // namespace mutual::config
