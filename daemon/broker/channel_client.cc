// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/channel_client.h"

#include "varlink/interfaces.h"

namespace mutual::broker {

namespace {

varlink::Call call_of(std::string_view method) {
    varlink::Call call;
    call.method = std::string("org.mutuald.Channel.").append(method);
    return call;
}

}  // namespace

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
    co_return read_listening(*reply);
}

asio::awaitable<Result<std::vector<ChannelRow>>> ChannelClient::list() {
    Result<varlink::Reply> reply = co_await pool_.call(call_of("List"));
    if (!reply) co_return reply.error();
    co_return read_rows(*reply);
}

asio::awaitable<Result<ChannelRow>> ChannelClient::whois(ChannelName name) {
    varlink::Call call = call_of("WhoIs");
    if (!name.channel.empty())
        call.parameters["channel"] = name.channel;
    else if (name.cookie != 0)
        call.parameters["cookie"] = name.cookie;
    else
        call.parameters["stamp"] = name.stamp;
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (!reply) co_return reply.error();
    co_return read_whois(*reply);
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
    co_return read_program(*reply);
}

}  // namespace mutual::broker
