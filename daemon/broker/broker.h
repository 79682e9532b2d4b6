// SPDX-License-Identifier: Apache-2.0
// What every part of the broker works with: the loop, the configuration, the other programs, the log, and
// what is remembered of requests.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/broker/addresses.h"
#include "daemon/broker/catalog.h"
#include "daemon/broker/channel_client.h"
#include "daemon/broker/history.h"
#include "daemon/broker/keys_client.h"
#include "daemon/broker/metrics.h"
#include "daemon/broker/monitor.h"
#include "daemon/broker/permits.h"
#include "daemon/broker/plugins_client.h"
#include "daemon/broker/turns.h"
#include "daemon/config/configuration.h"
#include "daemon/unit/log.h"

namespace mutual::broker {

// The pools of connections to the other programs, whose sockets lie in one folder.
class Programs {
public:
    Programs(asio::io_context& loop, const config::Configuration& configuration, const std::string& folder);

    ConnectionPool keys;
    ConnectionPool plugins;
    std::map<std::string, ConnectionPool, std::less<>> channels;  // by transport
};

// What callers have at this moment, and may have.
struct Quotas {
    Permits connections{"connections", "connections"};
    Permits requests{"requests", "pending requests"};
    Permits accepts{"requests", "pending calls of Accept"};  // these may wait for ever, and must not keep
                                                             // others from opening
    Permits handshakes{"handshakes", "handshakes in progress"};
};

class Broker {
public:
    Broker(asio::io_context& event_loop, std::shared_ptr<const config::Configuration> definitions,
           const unit::Log& system_log, const std::string& socket_folder);

    // The transports that a definition may name are those for which there is a client.
    ChannelClient& channel(const std::string& transport) { return channels.at(transport); }

    asio::io_context& loop;
    const std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
    // For requests that begin now: a reload replaces it. Who needs it beyond a co_await keeps a copy of the
    // pointer.
    std::shared_ptr<const config::Configuration> configuration;
    // Of the configuration that mutuald-plugin was last seen to use instead; empty: the same.
    std::string plugins_fingerprint;
    Monitor monitor;
    const unit::Log journal;
    const unit::Log log;  // the journal's, and the monitor's
    Metrics metrics;
    Quotas quotas;
    History history;
    Turns turns;
    Programs programs;
    KeysClient keys;
    PluginsClient plugins;
    Addresses addresses;
    std::map<std::string, ChannelClient, std::less<>> channels;  // by transport
    Catalog catalog;
};

// The wire's options of a definition.
boost::json::object wire_options(const config::Service& service);

// 64 random bits in hexadecimal: the name of a request or channel.
std::string random_name();
// Uniform in 0..bound inclusive.
std::uint32_t random_up_to(std::uint32_t bound);

}  // namespace mutual::broker
