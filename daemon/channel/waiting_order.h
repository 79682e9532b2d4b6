// SPDX-License-Identifier: Apache-2.0
// A Connect on the control loop that waits for the worker that performs it. If nobody waits any more, the
// handshake ends.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>

#include "daemon/channel/worker.h"

namespace mutual::channel {

class WaitingOrder;
// By number; touched on the control loop's thread only, so that an answer finds its order or nobody.
using WaitingOrders = std::map<std::uint64_t, WaitingOrder*>;

class WaitingOrder {
public:
    WaitingOrder(asio::io_context& control, std::shared_ptr<WaitingOrders> orders, Worker& worker,
                 std::uint64_t number);
    WaitingOrder(const WaitingOrder&) = delete;
    WaitingOrder& operator=(const WaitingOrder&) = delete;
    ~WaitingOrder();

    void begin(InitiateOrder what);
    bool is_answered() const { return outcome_ != nullptr; }
    asio::steady_timer& event() { return event_; }  // is cancelled by the answer
    const InitiateOutcome& outcome() const { return *outcome_; }

private:
    asio::io_context& control_;
    std::shared_ptr<WaitingOrders> orders_;
    Worker& worker_;
    const std::uint64_t number_;
    asio::steady_timer event_;
    std::shared_ptr<InitiateOutcome> outcome_;
};

}  // namespace mutual::channel
