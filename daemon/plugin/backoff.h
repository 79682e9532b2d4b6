// SPDX-License-Identifier: Apache-2.0
// How long to wait before something that failed is tried again. No clock of its own.
#pragma once

#include <algorithm>
#include <chrono>

namespace mutual::plugin {

class Backoff {
public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::milliseconds shortest{100};
    static constexpr std::chrono::milliseconds longest{5000};

    // Doubles with each failure in a row.
    void failed(Time now) {
        until_ = now + next_;
        next_ = std::min(next_ * 2, longest);
    }
    void succeeded() {
        until_ = Time::min();
        next_ = shortest;
    }
    bool active(Time now) const { return now < until_; }
    std::chrono::milliseconds left(Time now) const {
        return active(now) ? std::chrono::ceil<std::chrono::milliseconds>(until_ - now)
                           : std::chrono::milliseconds(0);
    }

private:
    Time until_ = Time::min();
    std::chrono::milliseconds next_ = shortest;
};

}  // namespace mutual::plugin
