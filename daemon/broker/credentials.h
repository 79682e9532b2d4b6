// SPDX-License-Identifier: Apache-2.0
// What the configuration needs to prove itself with, and how that stands: for ListCredentials and the
// metrics.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "daemon/broker/broker.h"

namespace mutual::broker {

// identity: "caller", "host", the name of an [identity], or "service NAME" for the keys it accepts with.
struct NamedCredential {
    std::string identity;
    Credential credential;
    bool is_known = true;  // false: mutuald-keys told nothing of it; credential.failure says why
};
boost::json::object to_json(const NamedCredential& row);

// What the configuration names and somebody may use: not "caller", and "host" only where it is named. One row
// for each principal, also of those that mutuald-keys does not tell of within one second.
asio::awaitable<std::vector<NamedCredential>> list_configured_credentials(Broker& broker);

// For who asks again and again, such as for the metrics: a listing has every keytab read, so a whole one is
// given again for a while, unless the configuration was reloaded.
class RecentCredentials {
public:
    static constexpr std::chrono::seconds kept_for{10};

    explicit RecentCredentials(Broker& broker) : broker_(broker) {}
    asio::awaitable<std::vector<NamedCredential>> list();

private:
    Broker& broker_;
    std::vector<NamedCredential> rows_;
    std::shared_ptr<const config::Configuration> configuration_;
    std::chrono::steady_clock::time_point until_;
};

// The caller's own cache, an empty name: the default one. `caller` is the API connection. A cache that cannot
// be read, or not within that second, is a row with its failure.
asio::awaitable<NamedCredential> inspect_cache(Broker& broker, UniqueFd caller, std::string cache);

}  // namespace mutual::broker
