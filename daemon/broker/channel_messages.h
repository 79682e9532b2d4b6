// SPDX-License-Identifier: Apache-2.0
// What the broker says to a mutuald-channel, and reads of its answers; values only. An answer may have
// members that we do not know; one that lacks what it must have, or has a wrong type anywhere, is refused
// whole.
#pragma once

#include <sys/types.h>

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/broker/endpoint.h"
#include "daemon/config/configuration.h"
#include "mutual/error.h"
#include "varlink/message.h"

namespace mutual::broker {

struct Attempt {
    Endpoint endpoint;
    std::string message;
};

struct ConnectOrder {
    std::string channel;
    std::string service;
    std::string rule;
    uid_t caller = 0;
    std::string unit;  // the caller's, if anyone asked for it
    config::Bounds most_channels;
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

// One of the three names that a channel has.
struct ChannelName {
    std::string channel;       // its id
    std::uint64_t cookie = 0;  // of the program's socket
    std::uint32_t stamp = 0;   // of an accepted one, of that transport
};

// One row of a channel program's table, as it told it.
struct ChannelRow {
    std::string channel;
    bool initiator_role = false;
    std::string service, rule, context, initiator, acceptor, spn, transport;
    uid_t caller = 0;
    std::string unit;  // of the caller; empty: none, or nobody asked
    Endpoint endpoint;
    std::int64_t started = 0, expires = 0, ended = 0;
    std::string verdict;  // empty: the peer's stream has not ended
    std::int64_t bytes_from_peer = 0, bytes_to_peer = 0;
    std::int64_t calls = 0;  // of an RPC
};

// What a channel program tells of itself.
struct ChannelProgram {
    std::size_t loops = 0;              // one accepting grant is needed for each
    std::vector<std::string> services;  // for which it listens
};

// Descriptors apart: 0 is the grant, 1 the program's end, if there is one.
boost::json::object parameters_of(const ConnectOrder& order);
boost::json::object parameters_of(const ListenOrder& order);

// Also an error's attempts; `reply` may be one.
Connected read_connected(const varlink::Reply& reply);
Result<Endpoint> read_listening(const varlink::Reply& reply);
Result<std::vector<ChannelRow>> read_rows(const varlink::Reply& reply);
Result<ChannelRow> read_whois(const varlink::Reply& reply);
Result<ChannelProgram> read_program(const varlink::Reply& reply);

}  // namespace mutual::broker
