// SPDX-License-Identifier: Apache-2.0
// Times and spans of time as people read and write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mutual::ctl {

// "0.1ms", "12.3ms", "1.234s"
std::string short_span(std::chrono::microseconds span);
// "59s", "5min 12s", "3h 4min", "2d 3h"; never negative.
std::string long_span(std::chrono::seconds span);
// Local time, ISO 8601: "2026-11-22T10:15:00+01:00"; empty for 0.
std::string local_time(std::int64_t seconds_since_epoch);
// "5min 12s ago", "in 3h 4min", "now"; empty for 0.
std::string relative_time(std::int64_t seconds_since_epoch, std::int64_t now);

// "10", "2.5" (seconds), "500ms", "10s", "5min", "8h", "1d". No value: not a span of time, or an absurd one.
std::optional<std::chrono::milliseconds> parse_span(std::string_view text);

}  // namespace mutual::ctl
