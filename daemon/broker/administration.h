// SPDX-License-Identifier: Apache-2.0
// The methods of org.mutuald.Broker that tell what happened and how the daemon is: Explain, ListRequests,
// Monitor, Metrics, ListPlugins, ListCredentials. Each caller is told of its own requests, administrators of
// all.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "daemon/broker/accept_queue.h"
#include "daemon/broker/broker.h"
#include "daemon/broker/caller.h"
#include "daemon/broker/credentials.h"
#include "daemon/broker/offerings.h"
#include "daemon/broker/permits.h"
#include "daemon/broker/reload.h"
#include "varlink/service.h"

namespace mutual::broker {

class Administration {
public:
    Administration(Broker& broker, const AcceptQueue& queue, const Offerings& offerings, Reload& reload);

    // Adds its methods; the description is the Api's.
    void add_to(varlink::Service& service);

private:
    using Reply = asio::awaitable<varlink::Reply>;
    Reply explain(varlink::Incoming incoming);
    Reply list_requests(varlink::Incoming incoming);
    Reply monitor(varlink::Incoming incoming);
    Reply metrics(varlink::Incoming incoming);
    Reply list_credentials(varlink::Incoming incoming);
    Reply list_plugins(varlink::Incoming incoming);
    Reply reload(varlink::Incoming incoming);
    Reply log_level(varlink::Incoming incoming);

    bool is_administrators(const Caller& caller) const;
    bool may_see(const Caller& caller, const PastRequest& past) const;
    // Of a method without parameters.
    Result<void> for_administrators(const varlink::Incoming& incoming, std::string_view method) const;
    Result<void> is_for_administrators(const varlink::Incoming& incoming, std::string_view method) const;

    Broker& broker_;
    const AcceptQueue& queue_;
    const Offerings& offerings_;
    Reload& reload_;
    RecentCredentials credentials_;
    Permits monitors_;
};

}  // namespace mutual::broker
