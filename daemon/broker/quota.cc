// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/quota.h"

namespace mutual::broker {

namespace {

void tell_of_refusal(const Broker& broker, const Caller& caller, const CallerUnit& unit, const Error& error) {
    unit::LogFields fields{{unit::Field::caller_uid, std::to_string(caller.uid)},
                           {unit::Field::stage, std::string(name(error.stage))},
                           {unit::Field::decision, "refused_caller"}};
    if (!unit.known().empty()) fields.push_back({unit::Field::caller_unit, unit.known()});
    broker.log.notice("refused uid " + std::to_string(caller.uid) + ": " + to_string(error), fields);
}

}  // namespace

CallerUnit unit_of(const Broker& broker, const varlink::Incoming& incoming) {
    return {incoming.connection->socket(), incoming.peer(), broker.configuration->daemon.unit_lookup};
}

Result<Permits::Permit> hold(const Broker& broker, Permits& permits, const config::Bounds& bounds,
                             const Caller& caller, CallerUnit& unit) {
    Result<Permits::Permit> held = take(permits, bounds, caller, unit);
    if (!held) tell_of_refusal(broker, caller, unit, held.error());
    return held;
}

Result<Permits::Permit> hold_request(Broker& broker, const varlink::Incoming& incoming) {
    CallerUnit unit = unit_of(broker, incoming);
    return hold(broker, broker.quotas.requests, broker.configuration->daemon.limits.requests, incoming.peer(),
                unit);
}

}  // namespace mutual::broker
