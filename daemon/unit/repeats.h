// SPDX-License-Identifier: Apache-2.0
// Lines that whoever is outside can cause without end are not all written: of lines that say the same of the
// same user, service and peer, the first of each minute, and then each whose number is a power of two, with
// that number. What was done (a channel opened, a reload) is always written.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "daemon/unit/log.h"

namespace mutual::unit {

// May be used by several threads.
class Repeats {
public:
    using Clock = std::chrono::steady_clock;

    static constexpr std::uint64_t always_written = 8;  // of each kind, in a window
    static constexpr std::chrono::seconds window{60};
    static constexpr std::size_t most_kinds = 1024;  // what is more shares one count

    // What is to be added to the line's message, often nothing; no value: the line is not to be written.
    std::optional<std::string> remark(const LogLine& line, Clock::time_point now);

private:
    struct Kind {
        Clock::time_point first;
        std::uint64_t count = 0;
    };

    std::mutex mutex_;
    std::map<std::string, Kind> kinds_;
};

}  // namespace mutual::unit
