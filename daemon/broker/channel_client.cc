// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/channel_client.h"

#include <boost/json/array.hpp>

#include "varlink/interfaces.h"
#include "varlink/parameters.h"

namespace mutual::broker {

namespace json = boost::json;

namespace {

varlink::Call call_of(std::string_view method) {
    varlink::Call call;
    call.method = std::string("org.mutuald.Channel.").append(method);
    return call;
}

Endpoint read_endpoint(const json::object& object) {
    varlink::Parameters parameters(object, nullptr, "Endpoint");
    Endpoint endpoint;
    endpoint.address = parameters.text("address", 64);
    endpoint.port = static_cast<std::uint16_t>(parameters.number("port", 0, 65535));
    return endpoint;
}

std::vector<Attempt> read_attempts(const json::object& object) {
    varlink::Parameters parameters(object);
    std::vector<Attempt> attempts;
    for (const json::object& entry : parameters.optional_objects("attempts", 64)) {
        varlink::Parameters fields(entry);
        Endpoint endpoint = read_endpoint(fields.object("endpoint"));
        attempts.push_back({std::move(endpoint), fields.text("message")});
    }
    return attempts;
}

Connected read_connected(const varlink::Reply& reply) {
    Connected connected;
    connected.attempts = read_attempts(reply.parameters);
    if (!reply.error.empty()) {
        connected.error = varlink::error_of(reply);
        return connected;
    }
    varlink::Parameters parameters(reply.parameters, nullptr, "Connect");
    connected.context = parameters.text("context", 64);
    connected.endpoint = read_endpoint(parameters.object("endpoint"));
    connected.connect_time = std::chrono::microseconds(parameters.number("connectMicroseconds"));
    connected.handshake_time = std::chrono::microseconds(parameters.number("handshakeMicroseconds"));
    if (Result<void> finished = parameters.finish_loosely(); !finished) connected.error = finished.error();
    return connected;
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
    row.endpoint = read_endpoint(parameters.object("endpoint"));
    row.started = parameters.number("started");
    row.expires = parameters.number("expires");
    row.ended = parameters.number("ended");
    row.verdict = parameters.optional_text("verdict", 64).value_or("");
    row.bytes_from_peer = parameters.number("bytesFromPeer");
    row.bytes_to_peer = parameters.number("bytesToPeer");
    if (Result<void> finished = parameters.finish_loosely(); !finished) return finished.error();
    return row;
}

json::object parameters_of(const ConnectOrder& order) {
    json::array endpoints;
    for (const Endpoint& endpoint : order.endpoints) endpoints.push_back(to_json(endpoint));
    json::object parameters;
    parameters["version"] = varlink::internal_version;
    parameters["channel"] = order.channel;
    parameters["service"] = order.service;
    parameters["rule"] = order.rule;
    parameters["callerUid"] = order.caller;
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

}  // namespace

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

asio::awaitable<Connected> ChannelClient::connect(ConnectOrder order) {
    varlink::Call call = call_of("Connect");
    call.parameters = parameters_of(order);
    call.descriptors.push_back(std::move(order.grant));
    if (order.program) call.descriptors.push_back(std::move(order.program));
    Result<varlink::Reply> reply = co_await pool_.call_raw(std::move(call));
    if (reply) co_return read_connected(*reply);
    Connected failed;
    failed.error = reply.error();
    co_return failed;
}

asio::awaitable<Result<void>> ChannelClient::attach(std::string channel, UniqueFd program) {
    varlink::Call call = call_of("Attach");
    call.parameters["channel"] = channel;
    call.parameters["programFileDescriptor"] = 0;
    call.descriptors.push_back(std::move(program));
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (!reply) co_return reply.error();
    co_return Result<void>();
}

asio::awaitable<Result<Endpoint>> ChannelClient::listen(ListenOrder order) {
    varlink::Call call = call_of("Listen");
    call.parameters = parameters_of(order);
    call.descriptors = std::move(order.grants);
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (!reply) co_return reply.error();
    varlink::Parameters parameters(reply->parameters, nullptr, "Listen");
    Endpoint endpoint = read_endpoint(parameters.object("endpoint"));
    if (Result<void> finished = parameters.finish_loosely(); !finished) co_return finished.error();
    co_return endpoint;
}

asio::awaitable<Result<std::vector<ChannelRow>>> ChannelClient::list() {
    Result<varlink::Reply> reply = co_await pool_.call(call_of("List"));
    if (!reply) co_return reply.error();
    varlink::Parameters parameters(reply->parameters, nullptr, "List");
    std::vector<ChannelRow> rows;
    for (const json::object& entry : parameters.objects("channels", 1'000'000)) {
        Result<ChannelRow> row = read_row(entry);
        if (!row) co_return row.error();
        rows.push_back(std::move(*row));
    }
    if (Result<void> finished = parameters.finish_loosely(); !finished) co_return finished.error();
    co_return rows;
}

asio::awaitable<Result<ChannelRow>> ChannelClient::whois(std::string channel, std::uint64_t cookie) {
    varlink::Call call = call_of("WhoIs");
    if (!channel.empty())
        call.parameters["channel"] = channel;
    else
        call.parameters["cookie"] = cookie;
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (!reply) co_return reply.error();
    varlink::Parameters parameters(reply->parameters, nullptr, "WhoIs");
    const json::object row = parameters.object("channel");
    if (Result<void> finished = parameters.finish_loosely(); !finished) co_return finished.error();
    co_return read_row(row);
}

asio::awaitable<Result<void>> ChannelClient::unlisten(std::string service) {
    varlink::Call call = call_of("Unlisten");
    call.parameters["service"] = service;
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (!reply) co_return reply.error();
    co_return Result<void>();
}

asio::awaitable<Result<void>> ChannelClient::close(std::string channel) {
    varlink::Call call = call_of("Close");
    call.parameters["channel"] = channel;
    call.parameters["verdict"] = "denied";
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (!reply) co_return reply.error();
    co_return Result<void>();
}

asio::awaitable<Result<ChannelProgram>> ChannelClient::status() {
    varlink::Call call = call_of("Status");
    call.parameters["version"] = varlink::internal_version;
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (!reply) co_return reply.error();
    varlink::Parameters parameters(reply->parameters, nullptr, "Status");
    ChannelProgram program;
    program.loops = static_cast<std::size_t>(parameters.number("loops", 1, 64));
    program.services = parameters.texts("services", 10'000, 256);
    if (Result<void> finished = parameters.finish_loosely(); !finished) co_return finished.error();
    co_return program;
}

}  // namespace mutual::broker
