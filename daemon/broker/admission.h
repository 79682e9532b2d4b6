// SPDX-License-Identifier: Apache-2.0
// Decides whether a peer that mutuald-keys vouches for may have a channel to a service of this host, and
// finds the local server that gets it. Serves org.mutuald.Admission to mutuald-channel.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "daemon/broker/accept_queue.h"
#include "daemon/broker/broker.h"
#include "varlink/service.h"

namespace mutual::broker {

class Admission {
public:
    Admission(Broker& broker, AcceptQueue& queue) : broker_(broker), queue_(queue) {}

    // Adds the methods, and the description, to the service.
    void add_to(varlink::Service& service);

private:
    asio::awaitable<varlink::Reply> admit(varlink::Incoming incoming);
    asio::awaitable<varlink::Reply> settle(varlink::Incoming incoming);
    struct Asked {
        std::string service;
        std::string context;
        Endpoint endpoint;
        std::string claim;
        AcceptQueue::Clock::time_point deadline;
    };
    // What mutuald-channel gets.
    struct Admitted {
        std::string channel;
        UniqueFd program;
        std::string rule;
        std::uint64_t cookie = 0;
        uid_t uid = 0;
        std::string unit;
        bool wants_to_know_end = false;
        std::optional<config::LocalUser> acts_as;  // of an RPC service, where the peer has one
    };
    // Between Admit and Settle, for a channel that goes to a call of Accept.
    struct Pending {
        std::string service;
        std::shared_ptr<AcceptQueue::Waiter> waiter;
        Accepted accepted;
        std::shared_ptr<asio::cancellation_signal> stop_watching;  // the connection that asked
    };

    Result<Asked> read(const varlink::Incoming& incoming) const;
    asio::awaitable<Result<Admitted>> decide(Asked asked, std::shared_ptr<varlink::Connection> connection);
    Result<std::string> check(const config::Configuration& configuration, const config::Service& service,
                              const Facts& facts) const;
    Result<void> deliver_to_socket(const config::Service& service, const Asked& asked, const Facts& facts,
                                   Admitted& admitted) const;
    Result<void> make_ends(const config::Service& service, const AcceptQueue::Waiter& waiter,
                           Admitted& admitted, Accepted& accepted) const;
    asio::awaitable<Result<void>> deliver_to_accept(const config::Service& service, Asked asked, Facts facts,
                                                    Admitted& admitted,
                                                    std::shared_ptr<varlink::Connection> connection);
    asio::awaitable<void> settle_when_hung_up(std::string channel,
                                              std::shared_ptr<varlink::Connection> connection);
    void settle(const std::string& channel, bool established);
    void log(const Asked& asked, const Facts& facts, const Result<Admitted>& outcome) const;

    Broker& broker_;
    AcceptQueue& queue_;
    std::map<std::string, Pending> pending_;  // by channel
};

}  // namespace mutual::broker
