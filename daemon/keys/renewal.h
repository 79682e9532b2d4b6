// SPDX-License-Identifier: Apache-2.0
// When a ticket is got anew: at about two thirds of its life, and after failures with growing pauses.
// Jittered, so that hosts that were started together do not ask their KDC together. Knows no clock and no
// randomness: `dice` is uniform in 0..1.
#pragma once

#include <algorithm>
#include <chrono>

namespace mutual::keys {

class Renewal {
public:
    using Time = std::chrono::steady_clock::time_point;
    using Milliseconds = std::chrono::milliseconds;
    static constexpr Milliseconds shortest_pause{1000};
    static constexpr Milliseconds longest_pause{300'000};

    // A ticket that lasts `life` from now was got.
    void got(Time now, Milliseconds life, double dice) {
        life_ = std::max(life, Milliseconds(0));
        pause_ = Milliseconds(0);
        at_ = now + scaled(life_, 0.6 + 0.13 * dice);
    }
    // The pauses double up to a twentieth of the life, so that there are many attempts before the end. Where
    // there was no ticket so far nothing ends: a KDC that locks accounts must not be asked every second.
    void failed(Time now, double dice) {
        const Milliseconds longest =
            life_ == Milliseconds(0) ? longest_pause : std::clamp(life_ / 20, shortest_pause, longest_pause);
        pause_ = std::clamp(pause_ * 2, shortest_pause, longest);
        at_ = now + scaled(pause_, 0.8 + 0.4 * dice);
    }
    // Within the shortest pause: what is known of the ticket's life was by another clock.
    void hasten(Time now, double dice) { at_ = std::min(at_, now + scaled(shortest_pause, dice)); }
    Time at() const { return at_; }

private:
    static Milliseconds scaled(Milliseconds span, double factor) {
        return Milliseconds(static_cast<Milliseconds::rep>(static_cast<double>(span.count()) * factor));
    }

    Milliseconds life_{0};
    Milliseconds pause_{0};
    Time at_{};  // long ago: at once
};

}  // namespace mutual::keys
