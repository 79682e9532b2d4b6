// SPDX-License-Identifier: Apache-2.0
// Between the broker's JSON and the values of broker_types.h; the only place that knows the fields' names.
// What has more fields than we know is a newer broker's and is read all the same.
#pragma once

#include <boost/json/object.hpp>

#include "client/broker_types.h"
#include "mutual/error.h"
#include "varlink/message.h"

namespace mutual::client {

namespace json = boost::json;

json::object to_json(const Request& request);

Result<OpenChannel> read_opened(varlink::Reply& reply);
Result<OpenChannel> read_accepted(varlink::Reply& reply);
Result<Plan> read_plan(varlink::Reply& reply);
Result<Found> read_found(varlink::Reply& reply);
Result<ChannelFacts> read_whois(varlink::Reply& reply);
Result<std::vector<ChannelFacts>> read_channels(varlink::Reply& reply);
Result<Status> read_status(varlink::Reply& reply);
Result<std::vector<Service>> read_services(varlink::Reply& reply);
Result<std::vector<Plugin>> read_plugins(varlink::Reply& reply);
Result<std::vector<Credential>> read_credentials(varlink::Reply& reply);
Result<PastRequest> read_past_request(varlink::Reply& reply);
Result<std::vector<RequestSummary>> read_requests(varlink::Reply& reply);
Result<std::string> read_metrics(varlink::Reply& reply);
Result<Reloaded> read_reloaded(varlink::Reply& reply);
Result<LogLevel> read_log_level(varlink::Reply& reply);
Result<bool> read_nothing(varlink::Reply& reply);
// No value: the first reply, from which on nothing is missed.
Result<std::optional<Event>> read_event(varlink::Reply& reply);
// No value: the reply holds none.
Result<std::optional<Explanation>> read_explanation(const varlink::Reply& reply);

// A reply's parameters without the fields that only index its descriptors.
json::object without_descriptors(json::object parameters);

}  // namespace mutual::client
