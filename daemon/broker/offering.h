// SPDX-License-Identifier: Apache-2.0
// Keeps one service of this host on offer: gets accepting grants from mutuald-keys, lets mutuald-channel
// listen with them, and does both again when either program was restarted.
#pragma once

#include <memory>
#include <string>

#include "daemon/broker/broker.h"

namespace mutual::broker {

class Offering {
public:
    Offering(Broker& broker, const config::Service& service) : broker_(broker), service_(service) {}

    // Runs until it is cancelled.
    asio::awaitable<void> run();

    const std::string& service() const { return service_.name; }
    // For Status: where it listens, or why it does not.
    const std::string& state() const { return state_; }
    bool listening() const { return listening_; }

private:
    asio::awaitable<Result<void>> offer();
    asio::awaitable<Result<Endpoint>> listen(std::vector<UniqueFd> grants);
    asio::awaitable<void> until_a_program_ends();
    void complain(const Error& error);

    Broker& broker_;
    const config::Service& service_;
    std::string state_ = "starting";
    bool listening_ = false;
};

}  // namespace mutual::broker
