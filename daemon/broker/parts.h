// SPDX-License-Identifier: Apache-2.0
// How the other programs and the plugins are, for Status.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "daemon/broker/broker.h"

namespace mutual::broker {

struct Part {
    std::string name;
    std::string state;  // running, ready, listening, backoff, failed
    std::int64_t pid = 0;
    std::string detail;
};
boost::json::object to_json(const Part& part);

struct Parts {
    std::vector<Part> rows;
    std::int64_t channels = 0;  // live ones
};

// Each program has one second to answer.
asio::awaitable<Parts> ask_parts(Broker& broker);

// Each discovery plugin, as org.mutuald.Broker.Plugin says. Fails when mutuald-plugin does not answer.
asio::awaitable<Result<boost::json::array>> list_discovery_plugins(Broker& broker);

// Of the other programs; tells which could not be told.
asio::awaitable<std::vector<std::string>> set_log_level(Broker& broker, unit::Priority level);

}  // namespace mutual::broker
