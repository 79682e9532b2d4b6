// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/channel_messages.h"

#include <boost/json/array.hpp>

#include "varlink/interfaces.h"
#include "varlink/parameters.h"

namespace mutual::broker {

namespace json = boost::json;

namespace {

constexpr std::int64_t longest_time = 3'600'000'000;  // microseconds: one hour, the longest timeout there

std::vector<Attempt> read_attempts(varlink::Parameters& outer) {
    std::vector<Attempt> attempts;
    for (const json::object& entry : outer.optional_objects("attempts", 64)) {
        varlink::Parameters fields(entry);
        Attempt attempt;
        attempt.endpoint = read_endpoint(fields, "endpoint");
        attempt.message = fields.text("message");
        if (auto finished = fields.finish_loosely(); !finished)
            outer.fault("attempts", finished.error().message);
        attempts.push_back(std::move(attempt));
    }
    return attempts;
}

Result<ChannelRow> read_row(const json::object& object) {
    varlink::Parameters parameters(object, nullptr, "Channel");
    ChannelRow row;
    row.channel = parameters.text("channel", 64);
    row.initiator_role = parameters.choice("role", {"initiator", "acceptor"}) == 0;
    row.service = parameters.text("service");
    row.rule = parameters.text("rule");
    row.context = parameters.text("context");
    row.initiator = parameters.text("initiator");
    row.acceptor = parameters.text("acceptor");
    row.spn = parameters.text("spn");
    row.transport = parameters.text("transport");
    row.caller = static_cast<uid_t>(parameters.number("callerUid", 0, 0xffffffffLL));
    row.unit = parameters.optional_text("callerUnit", 256).value_or("");
    row.endpoint = read_endpoint(parameters, "endpoint");
    row.started = parameters.number("started");
    row.expires = parameters.number("expires");
    row.ended = parameters.number("ended");
    row.verdict = parameters.optional_text("verdict", 64).value_or("");
    row.bytes_from_peer = parameters.number("bytesFromPeer");
    row.bytes_to_peer = parameters.number("bytesToPeer");
    row.calls = parameters.optional_number("calls").value_or(0);
    if (Result<void> finished = parameters.finish_loosely(); !finished) return finished.error();
    return row;
}

}  // namespace

json::object parameters_of(const ConnectOrder& order) {
    json::array endpoints;
    for (const Endpoint& endpoint : order.endpoints) endpoints.push_back(to_json(endpoint));
    json::object parameters;
    parameters["version"] = varlink::internal_version;
    parameters["channel"] = order.channel;
    parameters["service"] = order.service;
    parameters["rule"] = order.rule;
    parameters["callerUid"] = order.caller;
    if (!order.unit.empty()) parameters["callerUnit"] = order.unit;
    parameters["mostChannels"] = order.most_channels.all;
    parameters["mostChannelsOfUid"] = order.most_channels.uid;
    parameters["mostChannelsOfUnit"] = order.most_channels.unit;
    parameters["spn"] = order.spn;
    parameters["endpoints"] = std::move(endpoints);
    parameters["options"] = order.options;
    parameters["timeoutMilliseconds"] = order.timeout.count();
    parameters["idleMilliseconds"] = order.idle.count();
    parameters["grantFileDescriptor"] = 0;
    if (order.program) parameters["programFileDescriptor"] = 1;
    parameters["cookie"] = order.cookie;
    return parameters;
}

json::object parameters_of(const ListenOrder& order) {
    json::object limits;
    limits["connections"] = order.connections;
    limits["handshakes"] = order.handshakes;
    limits["handshakeMilliseconds"] = order.handshake_timeout.count();
    limits["idleMilliseconds"] = order.idle.count();
    json::array indices;
    for (std::size_t i = 0; i < order.grants.size(); ++i) indices.emplace_back(i);
    json::object parameters;
    parameters["version"] = varlink::internal_version;
    parameters["service"] = order.service;
    parameters["endpoint"] = to_json(order.endpoint);
    parameters["options"] = order.options;
    parameters["limits"] = std::move(limits);
    parameters["grantFileDescriptors"] = std::move(indices);
    return parameters;
}

Connected read_connected(const varlink::Reply& reply) {
    varlink::Parameters parameters(reply.parameters, nullptr, "Connect");
    Connected connected;
    connected.attempts = read_attempts(parameters);
    if (!reply.error.empty()) {
        connected.error = varlink::error_of(reply);
        return connected;
    }
    connected.context = parameters.text("context", 64);
    connected.endpoint = read_endpoint(parameters, "endpoint");
    connected.connect_time =
        std::chrono::microseconds(parameters.number("connectMicroseconds", 0, longest_time));
    connected.handshake_time =
        std::chrono::microseconds(parameters.number("handshakeMicroseconds", 0, longest_time));
    if (Result<void> finished = parameters.finish_loosely(); !finished) connected.error = finished.error();
    return connected;
}

Result<Endpoint> read_listening(const varlink::Reply& reply) {
    varlink::Parameters parameters(reply.parameters, nullptr, "Listen");
    Endpoint endpoint = read_endpoint(parameters, "endpoint");
    if (Result<void> finished = parameters.finish_loosely(); !finished) return finished.error();
    return endpoint;
}

Result<std::vector<ChannelRow>> read_rows(const varlink::Reply& reply) {
    varlink::Parameters parameters(reply.parameters, nullptr, "List");
    std::vector<ChannelRow> rows;
    for (const json::object& entry : parameters.objects("channels", 1'000'000)) {
        Result<ChannelRow> row = read_row(entry);
        if (!row) return row.error();
        rows.push_back(std::move(*row));
    }
    if (Result<void> finished = parameters.finish_loosely(); !finished) return finished.error();
    return rows;
}

Result<ChannelRow> read_whois(const varlink::Reply& reply) {
    varlink::Parameters parameters(reply.parameters, nullptr, "WhoIs");
    const json::object row = parameters.object("channel");
    if (Result<void> finished = parameters.finish_loosely(); !finished) return finished.error();
    return read_row(row);
}

Result<ChannelProgram> read_program(const varlink::Reply& reply) {
    varlink::Parameters parameters(reply.parameters, nullptr, "Status");
    ChannelProgram program;
    program.loops = static_cast<std::size_t>(parameters.number("loops", 1, 64));
    program.services = parameters.texts("services", 10'000, 256);
    if (Result<void> finished = parameters.finish_loosely(); !finished) return finished.error();
    return program;
}

}  // namespace mutual::broker
