// SPDX-License-Identifier: Apache-2.0
// What the configuration needs to prove itself with, and how that stands: for ListCredentials and the
// metrics.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "daemon/broker/broker.h"

namespace mutual::broker {

// identity: "caller", "host", the name of an [identity], or "service NAME" for the keys it accepts with.
struct NamedCredential {
    std::string identity;
    Credential credential;
};
boost::json::object to_json(const NamedCredential& row);

// What the configuration names and somebody may use: not "caller", and "host" only where it is named. One row
// for each principal. mutuald-keys has one second to answer.
asio::awaitable<Result<std::vector<NamedCredential>>> list_configured_credentials(Broker& broker);

// The caller's own cache, an empty name: the default one. `caller` is the API connection. A cache that cannot
// be read, or not within that second, is a row with its failure.
asio::awaitable<NamedCredential> inspect_cache(Broker& broker, UniqueFd caller, std::string cache);

}  // namespace mutual::broker
