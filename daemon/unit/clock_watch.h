// SPDX-License-Identifier: Apache-2.0
// Notices that the wall clock was set, or that the machine slept. A ticket's end is a time of that clock;
// timers count on another one, and see neither.
#pragma once

#include <chrono>

namespace mutual::unit {

class ClockWatch {
public:
    using Time = std::chrono::steady_clock::time_point;
    using WallTime = std::chrono::system_clock::time_point;

    ClockWatch(Time now, WallTime wall) : difference_(difference(now, wall)) {}

    // Whether the two clocks moved apart by a second or more since that was last so. Both are read at the
    // same moment.
    bool was_set(Time now, WallTime wall) {
        const auto moved = difference(now, wall) - difference_;
        if (std::chrono::abs(moved) < std::chrono::seconds(1)) return false;
        difference_ += moved;
        return true;
    }

private:
    static std::chrono::nanoseconds difference(Time now, WallTime wall) {
        return wall.time_since_epoch() - now.time_since_epoch();
    }
    std::chrono::nanoseconds difference_;
};

}  // namespace mutual::unit
