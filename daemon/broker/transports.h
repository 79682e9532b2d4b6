// SPDX-License-Identifier: Apache-2.0
// The programs that serve the configured transports.
#pragma once

#include <map>
#include <string>

#include "daemon/broker/connection_pool.h"
#include "daemon/config/configuration.h"

namespace mutual::broker {

// Adds a pool for each transport that has none. Those that the configuration has lost stay: they may have
// live channels. `folder` is where the programs' sockets are.
void add_transports(asio::io_context& loop, const config::Configuration& configuration,
                    const std::string& folder, std::map<std::string, ConnectionPool, std::less<>>& channels);

}  // namespace mutual::broker
