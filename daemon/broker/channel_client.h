// SPDX-License-Identifier: Apache-2.0
// What the broker asks of one mutuald-channel: connect, listen, and tell about live channels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/broker/channel_messages.h"
#include "daemon/broker/connection_pool.h"

namespace mutual::broker {

class ChannelClient {
public:
    explicit ChannelClient(ConnectionPool& pool) : pool_(pool) {}

    asio::awaitable<Connected> connect(ConnectOrder order);
    // Gives an established channel the program's end that it waits for.
    asio::awaitable<Result<void>> attach(std::string channel, UniqueFd program);
    asio::awaitable<Result<Endpoint>> listen(ListenOrder order);
    asio::awaitable<Result<void>> unlisten(std::string service);
    asio::awaitable<Result<std::vector<ChannelRow>>> list();
    // not_found if this program knows no such channel.
    asio::awaitable<Result<ChannelRow>> whois(ChannelName name);
    // Ends a live channel, both directions at once. not_found: it is no live one of this program.
    asio::awaitable<Result<void>> close(std::string channel);
    asio::awaitable<Result<ChannelProgram>> status();

private:
    ConnectionPool& pool_;
};

}  // namespace mutual::broker
