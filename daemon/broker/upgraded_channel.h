// SPDX-License-Identifier: Apache-2.0
// A channel whose program's end will be the caller's API connection. It is established without a program, and
// waits in mutuald-channel until the reply to the caller is out: before that mutuald-channel must not write
// to the connection. Whoever drops it earlier ends the channel.
#pragma once

#include <memory>
#include <string>

#include "daemon/broker/broker.h"

namespace mutual::broker {

class UpgradedChannel {
public:
    UpgradedChannel(Broker& broker, std::string transport, std::string channel)
        : broker_(broker), transport_(std::move(transport)), channel_(std::move(channel)) {}
    ~UpgradedChannel();
    UpgradedChannel(const UpgradedChannel&) = delete;
    UpgradedChannel& operator=(const UpgradedChannel&) = delete;

    // Passes the connection on. Our own copy is closed and never shut down: that would end the channel.
    void attach(UniqueFd connection);

private:
    Broker& broker_;
    std::string transport_;
    std::string channel_;
    bool attached_ = false;
};

}  // namespace mutual::broker
