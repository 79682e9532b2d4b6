// SPDX-License-Identifier: Apache-2.0
// How fast each user may call. Whoever calls alone is served as fast as the loop can; while several do, each
// has an equal share of a rate that leaves the loop idle most of the time, so that a call finds it free.
// What is more than that waits, and waits with it only the user who asked for it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>

namespace mutual::varlink {

class Pace {
public:
    using Clock = std::chrono::steady_clock;

    // A unit is about what one small call costs.
    struct Bounds {
        unsigned per_second = 2000;                        // units of all users together
        unsigned burst = 100;                              // units that a user may be ahead
        Clock::duration memory = std::chrono::seconds(1);  // so long after its last call, a user counts
    };

    Pace() : Pace(Bounds()) {}
    explicit Pace(Bounds bounds) : bounds_(bounds) {}

    // That much work is to be done for the user: when, at once or later. Whoever asks must do it then: its
    // place in the line is taken.
    Clock::time_point take(uid_t uid, unsigned units, Clock::time_point now);

private:
    struct User {
        Clock::time_point seen;
        Clock::time_point paid_until;  // at its share of the rate
    };
    Clock::duration unit() const;
    void forget_the_quiet(Clock::time_point now);

    Bounds bounds_;
    std::map<uid_t, User> users_;  // that called within `memory`
};

}  // namespace mutual::varlink
