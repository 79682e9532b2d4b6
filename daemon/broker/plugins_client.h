// SPDX-License-Identifier: Apache-2.0
// What the broker asks of mutuald-plugin: find instances, resolve host names.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "daemon/broker/connection_pool.h"
#include "mutual/discovery.h"

namespace mutual::broker {

struct Found {
    std::vector<Candidate> candidates;  // checked for ranges only
    std::vector<std::string> notes;
    std::optional<Error> problem;  // what ended the search early; candidates may be there all the same
};

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
