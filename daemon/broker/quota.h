// SPDX-License-Identifier: Apache-2.0
// A caller's share of what all callers have, taken before there is a request that could be explained: a
// refusal is logged.
#pragma once

#include "daemon/broker/broker.h"
#include "varlink/service.h"

namespace mutual::broker {

// Looked up as the configuration says. The call's connection must outlive it.
CallerUnit unit_of(const Broker& broker, const varlink::Incoming& incoming);

Result<Permits::Permit> hold(const Broker& broker, Permits& permits, const config::Bounds& bounds,
                             const Caller& caller, CallerUnit& unit);

// One of the pending requests.
Result<Permits::Permit> hold_request(Broker& broker, const varlink::Incoming& incoming);

}  // namespace mutual::broker
