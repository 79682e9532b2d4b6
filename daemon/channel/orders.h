// SPDX-License-Identifier: Apache-2.0
// What the broker orders: the methods of org.mutuald.Channel, on the control loop.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "daemon/channel/listener.h"
#include "daemon/channel/waiting_order.h"
#include "daemon/unit/passed_sockets.h"
#include "varlink/service.h"

namespace mutual::channel {

class Orders {
public:
    // `sockets`: listening sockets that the service manager made, named after services. The first worker's
    // loop is the control loop.
    Orders(const Surroundings& surroundings, Workers& workers, std::string transport,
           unit::PassedSockets sockets);

    std::shared_ptr<varlink::Service> service();

private:
    using Reply = varlink::Reply;
    using Incoming = varlink::Incoming;

    asio::awaitable<Reply> connect(Incoming incoming);
    asio::awaitable<Reply> attach(Incoming incoming);
    asio::awaitable<Reply> listen(Incoming incoming);
    asio::awaitable<Reply> unlisten(Incoming incoming);
    asio::awaitable<Reply> list(Incoming incoming);
    asio::awaitable<Reply> who_is(Incoming incoming);
    asio::awaitable<Reply> close(Incoming incoming);
    asio::awaitable<Reply> status(Incoming incoming);

    // The loop of a live channel.
    Worker* worker_of(const std::string& channel) const;
    struct ListenOrder;
    Result<void> offer(ListenOrder& order);
    Result<UniqueFd> listening_socket(const std::string& service, const Endpoint& endpoint);
    boost::json::object describe(const ChannelState& state) const;

    struct Listening {
        Endpoint ordered;
        std::shared_ptr<Listener> listener;
    };

    asio::io_context& loop_;
    const Surroundings& surroundings_;
    Workers& workers_;
    std::string transport_;
    unit::PassedSockets sockets_;
    std::map<std::string, Listening> listening_;  // by service
    std::map<std::string, std::shared_ptr<AcceptCounts>> counts_;
    std::shared_ptr<WaitingOrders> waiting_ = std::make_shared<WaitingOrders>();
    std::uint64_t orders_ = 0;
};

}  // namespace mutual::channel
