// SPDX-License-Identifier: Apache-2.0
#include "varlink/pace.h"

#include <algorithm>

namespace mutual::varlink {

Pace::Clock::duration Pace::unit() const {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::seconds(1)) *
           static_cast<Clock::rep>(users_.size()) / bounds_.per_second;
}

void Pace::forget_the_quiet(Clock::time_point now) {
    std::erase_if(users_, [this, now](const auto& user) { return user.second.seen + bounds_.memory < now; });
}

Pace::Clock::time_point Pace::take(uid_t uid, unsigned units, Clock::time_point now) {
    forget_the_quiet(now);
    User& user = users_[uid];
    user.seen = now;
    if (users_.size() == 1) {
        user.paid_until = now;
        return now;
    }
    const auto begin = std::max(user.paid_until, now);
    user.paid_until = begin + unit() * units;
    return std::max(now, begin - unit() * bounds_.burst);
}

}  // namespace mutual::varlink
