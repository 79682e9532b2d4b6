// SPDX-License-Identifier: Apache-2.0
// Keeps one service of this host on offer: gets accepting grants from mutuald-keys, lets mutuald-channel
// listen with them, and does both again when either program was restarted.
#pragma once

#include <memory>
#include <string>
#include <vector>

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
    enum class State { starting, listening, failed };
    State phase() const { return phase_; }
    // Why it is not offered; logged unless it is the same as before.
    void complain(const Error& error);

private:
    // Connections to the programs that it takes: each ends when its program does.
    using Watched = std::vector<std::shared_ptr<varlink::Connection>>;

    asio::awaitable<Result<void>> offer();
    asio::awaitable<Result<Endpoint>> listen(std::vector<UniqueFd> grants);
    Result<Watched> watch();
    asio::awaitable<void> until_one_ends(Watched watched);

    Broker& broker_;
    const config::Service& service_;
    std::string state_ = "starting";
    State phase_ = State::starting;
};

// Ends what an earlier broker offered over the transport and this configuration does not, then runs the
// offerings.
asio::awaitable<void> offer_all(Broker& broker, std::string transport, std::vector<Offering*> offerings);

}  // namespace mutual::broker
