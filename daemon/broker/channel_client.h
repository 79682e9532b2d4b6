// SPDX-License-Identifier: Apache-2.0
// What the broker asks of one mutuald-channel: connect, listen, and tell about live channels.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/broker/connection_pool.h"

namespace mutual::broker {

struct Endpoint {
    std::string address;  // numeric
    std::uint16_t port = 0;
    std::string text() const;  // "192.0.2.1:7010", "[2001:db8::1]:7010"
    // The address without the zone of a link-local one, and a mapped one ("::ffff:192.0.2.1") as IPv4.
    std::string bare_address() const;
};
boost::json::object to_json(const Endpoint& endpoint);

struct Attempt {
    Endpoint endpoint;
    std::string message;
};

struct ConnectOrder {
    std::string channel;
    std::string service;
    std::string rule;
    uid_t caller = 0;
    std::string spn;
    std::vector<Endpoint> endpoints;
    boost::json::object options;  // the wire's
    std::chrono::milliseconds timeout{0};
    std::chrono::milliseconds idle{0};  // 0: for ever
    UniqueFd grant;
    UniqueFd program;  // none: it follows by attach()
    std::uint64_t cookie = 0;
};

struct Connected {
    std::optional<Error> error;  // the rest is then only `attempts`
    std::string context;
    Endpoint endpoint;
    std::vector<Attempt> attempts;  // those that failed
    std::chrono::microseconds connect_time{0};
    std::chrono::microseconds handshake_time{0};
};

struct ListenOrder {
    std::string service;
    Endpoint endpoint;
    boost::json::object options;
    std::size_t connections = 0;
    std::size_t handshakes = 0;
    std::chrono::milliseconds handshake_timeout{0};
    std::chrono::milliseconds idle{0};
    std::vector<UniqueFd> grants;
};

// One row of a channel program's table, as it told it.
struct ChannelRow {
    std::string channel;
    bool initiator_role = false;
    std::string service, rule, context, initiator, acceptor, spn, transport;
    uid_t caller = 0;
    Endpoint endpoint;
    std::int64_t started = 0, expires = 0, ended = 0;
    std::string verdict;  // empty: the peer's stream has not ended
    std::int64_t bytes_from_peer = 0, bytes_to_peer = 0;
};

// What a channel program tells of itself.
struct ChannelProgram {
    std::size_t loops = 0;              // one accepting grant is needed for each
    std::vector<std::string> services;  // for which it listens
};

class ChannelClient {
public:
    explicit ChannelClient(ConnectionPool& pool) : pool_(pool) {}

    asio::awaitable<Connected> connect(ConnectOrder order);
    // Gives an established channel the program's end that it waits for.
    asio::awaitable<Result<void>> attach(std::string channel, UniqueFd program);
    asio::awaitable<Result<Endpoint>> listen(ListenOrder order);
    asio::awaitable<Result<void>> unlisten(std::string service);
    asio::awaitable<Result<std::vector<ChannelRow>>> list();
    // By id, or by cookie if the id is empty. not_found if this program knows no such channel.
    asio::awaitable<Result<ChannelRow>> whois(std::string channel, std::uint64_t cookie);
    // Ends a live channel, both directions at once. not_found: it is no live one of this program.
    asio::awaitable<Result<void>> close(std::string channel);
    asio::awaitable<Result<ChannelProgram>> status();

private:
    ConnectionPool& pool_;
};

}  // namespace mutual::broker
