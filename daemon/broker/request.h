// SPDX-License-Identifier: Apache-2.0
// What a caller of Open, Plan or Find asks for.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/config/configuration.h"
#include "mutual/discovery.h"
#include "mutual/error.h"

namespace mutual::broker {

struct Request {
    std::string service;  // empty: the one of that RPC program
    std::optional<std::uint32_t> rpc_program;
    std::optional<std::uint32_t> rpc_version;
    std::vector<std::string> keywords;
    std::string instance;
    std::string host;
    std::string credential_cache;
    std::chrono::seconds minimum_lifetime{0};
    std::optional<std::chrono::milliseconds> timeout;
    bool upgrade = false;  // the API connection becomes the channel
};

Result<Request> read_request(const boost::json::object& parameters, std::string_view method);

// The version of an RPC service's program that is asked for: the highest, where the request leaves it open.
// 0: it is not an RPC service. Errors: invalid_request.
Result<std::uint32_t> rpc_version(const config::Service& service, const Request& request);

// The definition's query, narrowed by the request: a request adds keywords, and may name an instance or host
// only where the definition leaves it open (or names the same).
Result<Query> narrow(const config::Service& service, const Request& request);

}  // namespace mutual::broker
