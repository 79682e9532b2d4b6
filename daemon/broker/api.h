// SPDX-License-Identifier: Apache-2.0
// The methods of org.mutuald.Broker: reads the parameters, asks the part that knows, writes the reply.
// Nothing is decided here but who may see which channel.
#pragma once

#include <memory>
#include <vector>

#include "daemon/broker/accept_queue.h"
#include "daemon/broker/broker.h"
#include "daemon/broker/caller_unit.h"
#include "daemon/broker/offerings.h"
#include "varlink/service.h"

namespace mutual::broker {

class Api {
public:
    Api(Broker& broker, AcceptQueue& queue, const Offerings& offerings);

    // What a new connection holds; one too many is told so, and is closed then.
    Result<std::shared_ptr<void>> admit(const Caller& caller, int socket) const;
    // Adds every method, and the description, to the service.
    void add_to(varlink::Service& service);

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

    bool may_use(const Caller& caller, CallerUnit& unit, const std::string& service) const;
    Result<void> may_accept(const Caller& caller, CallerUnit& unit, const std::string& service) const;
    Result<void> may_still_accept(const varlink::Incoming& incoming, const std::string& service) const;
    template <class T>
    asio::awaitable<Result<T>> in_a_moment(asio::awaitable<Result<T>> work);
    asio::awaitable<Result<ChannelRow>> find_channel(ChannelName name);
    asio::awaitable<Result<ChannelRow>> find_stamped(std::string service, ChannelName name);
    bool may_see(const Caller& caller, const ChannelRow& row) const;

    Broker& broker_;
    AcceptQueue& queue_;
    const Offerings& offerings_;
};

}  // namespace mutual::broker
