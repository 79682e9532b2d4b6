// SPDX-License-Identifier: Apache-2.0
// A grant: our end of a socket pair over which mutuald-channel steps the handshakes of one Stepper and
// receives what was established (org.mutuald.Grant); and the table of all of them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "daemon/keys/facts.h"
#include "daemon/keys/stepper.h"
#include "varlink/service.h"

namespace mutual::keys {

namespace asio = boost::asio;

struct GrantTerms {
    Role role = Role::initiator;
    std::string service;          // accepting only
    std::int64_t generation = 0;  // accepting only
    std::chrono::steady_clock::time_point unused_until = std::chrono::steady_clock::time_point::max();
    // A channel's: has the handshakes that begin from now on made with a ticket that lasts so many seconds.
    std::function<asio::awaitable<Result<void>>(std::int64_t)> renew = {};
};

class Grant;

class GrantTable {
public:
    using Time = std::chrono::steady_clock::time_point;

    GrantTable(asio::io_context& loop, FactsTable& facts, varlink::Service::Complaint complaint);

    // The end for mutuald-channel. The grant lives until that end is closed, or revoke() or sweep() ends it.
    Result<UniqueFd> add(GrantTerms terms, Stepper stepper);
    // Ends the accepting grants of the service with a lower generation.
    void revoke(const std::string& service, std::int64_t generation);
    void sweep(Time now);
    std::size_t size() const { return grants_.size(); }

private:
    asio::io_context& loop_;
    FactsTable& facts_;
    varlink::Service service_;
    std::map<const varlink::Connection*, std::shared_ptr<Grant>> grants_;
};

}  // namespace mutual::keys
