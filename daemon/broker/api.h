// SPDX-License-Identifier: Apache-2.0
// The methods of org.mutuald.Broker: reads the parameters, asks the part that knows, writes the reply.
// Nothing is decided here but who may see which channel.
#pragma once

#include <memory>
#include <vector>

#include "daemon/broker/accept_queue.h"
#include "daemon/broker/broker.h"
#include "daemon/broker/caller.h"
#include "daemon/broker/offerings.h"
#include "daemon/broker/permits.h"
#include "varlink/service.h"

namespace mutual::broker {

class Api {
public:
    Api(Broker& broker, AcceptQueue& queue, const Offerings& offerings);

    // Adds every method, and the description, to the service.
    void add_to(varlink::Service& service);
    const Permits& requests() const { return permits_; }

private:
    using Reply = asio::awaitable<varlink::Reply>;
    Reply open(varlink::Incoming incoming);
    Reply accept(varlink::Incoming incoming);
    Reply plan(varlink::Incoming incoming);
    Reply find(varlink::Incoming incoming);
    Reply whois(varlink::Incoming incoming);
    Reply list_channels(varlink::Incoming incoming);
    Reply close_channel(varlink::Incoming incoming);
    Reply list_services(varlink::Incoming incoming);
    Reply status(varlink::Incoming incoming);

    bool may_use(const Caller& caller, const std::string& service) const;
    Result<void> may_accept(const Caller& caller, const std::string& service) const;
    template <class T>
    asio::awaitable<Result<T>> in_a_moment(asio::awaitable<Result<T>> work);
    asio::awaitable<Result<ChannelRow>> find_channel(std::string channel, std::uint64_t cookie);
    bool may_see(const Caller& caller, const ChannelRow& row) const;

    Broker& broker_;
    AcceptQueue& queue_;
    const Offerings& offerings_;
    Permits permits_;         // Open, Plan and Find
    Permits accept_permits_;  // these may wait for ever, and must not keep others from opening
};

}  // namespace mutual::broker
