// SPDX-License-Identifier: Apache-2.0
// A numeric network address and port, as the programs tell it to each other.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "varlink/parameters.h"

namespace mutual::broker {

struct Endpoint {
    std::string address;  // numeric
    std::uint16_t port = 0;
    std::string text() const;  // "192.0.2.1:7010", "[2001:db8::1]:7010"
    // The address without the zone of a link-local one, and a mapped one ("::ffff:192.0.2.1") as IPv4.
    std::string bare_address() const;
};
boost::json::object to_json(const Endpoint& endpoint);
// Of a reply; faults are told to `outer`.
Endpoint read_endpoint(varlink::Parameters& outer, std::string_view field);

}  // namespace mutual::broker
