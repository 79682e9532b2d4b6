// SPDX-License-Identifier: Apache-2.0
// What the broker asks of mutuald-plugin: find instances, resolve host names, ask and tell rpcbind.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "daemon/broker/connection_pool.h"
#include "daemon/broker/plugins_messages.h"

namespace mutual::broker {

class PluginsClient {
public:
    explicit PluginsClient(ConnectionPool& pool) : pool_(pool) {}

    // `tickets` may be empty.
    asio::awaitable<Found> find(std::string plugin, Query query, UniqueFd tickets, std::string principal,
                                std::chrono::milliseconds timeout);
    asio::awaitable<Result<std::vector<std::string>>> resolve(std::string host,
                                                              std::chrono::milliseconds timeout);

    // Asks the rpcbind of each of these numeric addresses in turn. Errors, all of stage discovery, with what
    // to do in the hint: not_found (not registered, or in other versions only), unreachable, timed_out,
    // discovery_failed, protocol.
    asio::awaitable<Result<RpcPlace>> find_rpc(std::vector<std::string> addresses, std::uint32_t program,
                                               std::uint32_t rpc_version, std::chrono::milliseconds timeout);
    // Has this host's rpcbind know a service's program, in place of what it knew of that service. `address`:
    // numeric, as the service listens on it. To be said again to a new mutuald-plugin; to the same one it
    // changes nothing. An error (unavailable, timed_out, ...) is for the record: it is tried again there.
    asio::awaitable<Result<void>> register_rpc(std::string service, std::uint32_t program,
                                               std::vector<std::uint32_t> versions, std::string address,
                                               std::uint16_t port);
    asio::awaitable<Result<void>> unregister_rpc(std::string service);
    // The same for what an earlier broker registered, all but these.
    asio::awaitable<Result<void>> keep_rpc(std::vector<std::string> services);

private:
    asio::awaitable<Result<void>> order(varlink::Call call);

    ConnectionPool& pool_;
};

}  // namespace mutual::broker
