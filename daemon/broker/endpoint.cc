// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/endpoint.h"

namespace mutual::broker {

namespace json = boost::json;

std::string Endpoint::text() const {
    const std::string host = address.find(':') == std::string::npos ? address : "[" + address + "]";
    return host + ":" + std::to_string(port);
}

std::string Endpoint::bare_address() const {
    constexpr std::string_view mapped = "::ffff:";
    std::string bare = address.substr(0, address.find('%'));
    if (bare.starts_with(mapped) && bare.find('.') != std::string::npos) bare.erase(0, mapped.size());
    return bare;
}

json::object to_json(const Endpoint& endpoint) {
    json::object object;
    object["address"] = endpoint.address;
    object["port"] = endpoint.port;
    return object;
}

Endpoint read_endpoint(varlink::Parameters& outer, std::string_view field) {
    const json::object object = outer.object(field);
    varlink::Parameters parameters(object);
    Endpoint endpoint;
    endpoint.address = parameters.text("address", 64);
    endpoint.port = static_cast<std::uint16_t>(parameters.number("port", 0, 65535));
    if (auto finished = parameters.finish_loosely(); !finished) outer.fault(field, finished.error().message);
    return endpoint;
}

}  // namespace mutual::broker
