// SPDX-License-Identifier: Apache-2.0
// What the broker asks of mutuald-plugin: find instances, resolve host names.
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

private:
    ConnectionPool& pool_;
};

}  // namespace mutual::broker
