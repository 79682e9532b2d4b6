// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/plugins_client.h"

#include <boost/json/array.hpp>

#include "varlink/interfaces.h"

namespace mutual::broker {

namespace {

varlink::Call call_of(std::string_view method) {
    varlink::Call call;
    call.method = std::string("org.mutuald.Plugins.").append(method);
    call.parameters["version"] = varlink::internal_version;
    return call;
}

}  // namespace

asio::awaitable<Found> PluginsClient::find(std::string plugin, Query query, UniqueFd tickets,
                                           std::string principal, std::chrono::milliseconds timeout) {
    varlink::Call call = call_of("Find");
    call.parameters["plugin"] = plugin;
    call.parameters["query"] = to_json(query);
    call.parameters["timeoutMilliseconds"] = timeout.count();
    if (tickets) {
        call.parameters["ticketsFileDescriptor"] = 0;
        call.parameters["ticketsPrincipal"] = principal;
        call.descriptors.push_back(std::move(tickets));
    }
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (reply) co_return read_found(*reply);
    Found failed;
    failed.problem = reply.error();
    co_return failed;
}

asio::awaitable<Result<std::vector<std::string>>> PluginsClient::resolve(std::string host,
                                                                         std::chrono::milliseconds timeout) {
    varlink::Call call = call_of("Resolve");
    call.parameters["host"] = host;
    call.parameters["timeoutMilliseconds"] = timeout.count();
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (!reply) co_return reply.error();
    co_return read_addresses(*reply);
}

asio::awaitable<Result<RpcPlace>> PluginsClient::find_rpc(std::vector<std::string> addresses,
                                                          std::uint32_t program, std::uint32_t rpc_version,
                                                          std::chrono::milliseconds timeout) {
    varlink::Call call = call_of("FindRpc");
    call.parameters["addresses"] = boost::json::array(addresses.begin(), addresses.end());
    call.parameters["program"] = program;
    call.parameters["rpcVersion"] = rpc_version;
    call.parameters["timeoutMilliseconds"] = timeout.count();
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (!reply) co_return reply.error();
    co_return read_rpc_place(*reply);
}

asio::awaitable<Result<void>> PluginsClient::register_rpc(std::string service, std::uint32_t program,
                                                          std::vector<std::uint32_t> versions,
                                                          std::string address, std::uint16_t port) {
    varlink::Call call = call_of("RegisterRpc");
    call.parameters["service"] = service;
    call.parameters["program"] = program;
    call.parameters["versions"] = boost::json::array(versions.begin(), versions.end());
    call.parameters["address"] = address;
    call.parameters["port"] = port;
    return order(std::move(call));
}

asio::awaitable<Result<void>> PluginsClient::unregister_rpc(std::string service) {
    varlink::Call call = call_of("UnregisterRpc");
    call.parameters["service"] = service;
    return order(std::move(call));
}

asio::awaitable<Result<void>> PluginsClient::keep_rpc(std::vector<std::string> services) {
    varlink::Call call = call_of("KeepRpc");
    call.parameters["services"] = boost::json::array(services.begin(), services.end());
    return order(std::move(call));
}

asio::awaitable<Result<void>> PluginsClient::order(varlink::Call call) {
    Result<varlink::Reply> reply = co_await pool_.call(std::move(call));
    if (!reply) co_return reply.error();
    co_return Result<void>();
}

}  // namespace mutual::broker
