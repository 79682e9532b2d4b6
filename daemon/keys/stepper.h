// SPDX-License-Identifier: Apache-2.0
// The handshakes of one grant, by number: how many there may be, for how long, and that a finished one is
// finished. Knows no socket, no clock and no mechanism.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "daemon/keys/handshake.h"

namespace mutual::keys {

inline constexpr std::size_t max_token = 128 * 1024;
inline constexpr std::chrono::seconds longest_handshake{60};

struct StepLimits {
    std::size_t in_progress = 1;
    std::size_t in_all = 1;  // 0: no bound
    int steps = 8;           // of one handshake
};

class Stepper {
public:
    using Time = std::chrono::steady_clock::time_point;
    using Begin = std::function<Result<std::unique_ptr<Handshake>>()>;

    Stepper(Begin begin, StepLimits limits) : begin_(std::move(begin)), limits_(limits) {}

    // A number's first use begins a handshake. invalid_request: it is over; limit: one too many, one token
    // too large.
    StepAnswer step(std::int64_t number, std::string_view token, Time now);
    void drop(std::int64_t number);
    // Ends the handshakes whose time is over.
    void sweep(Time now);

    std::size_t in_progress() const { return running_.size(); }
    // Whether there will be no further handshake, and none is in progress.
    bool is_exhausted() const { return limits_.in_all != 0 && begun_ >= limits_.in_all && running_.empty(); }

private:
    struct Running {
        std::unique_ptr<Handshake> handshake;
        Time deadline;
        int steps = 0;
    };

    Result<Running*> running(std::int64_t number, Time now);
    void finish(std::int64_t number);

    Begin begin_;
    StepLimits limits_;
    std::size_t begun_ = 0;
    std::map<std::int64_t, Running> running_;
    std::set<std::int64_t> finished_;  // the last ones, so that their numbers are not used again
    std::deque<std::int64_t> finished_in_order_;
};

}  // namespace mutual::keys
