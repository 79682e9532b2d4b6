// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/broker_connections.h"

namespace mutual::channel {

namespace {

constexpr std::size_t most_idle = 16;

}  // namespace

Result<BrokerConnections::Taken> BrokerConnections::take() {
    while (!idle_.empty()) {
        Taken taken{std::move(idle_.back()), false};
        idle_.pop_back();
        if (taken.connection->is_quiet()) return taken;
    }
    Result<UniqueFd> socket = varlink::connect_unix(path_, varlink::Deadline::min());
    if (!socket) return socket.error();
    return Taken{std::make_unique<varlink::Connection>(loop_, std::move(*socket)), true};
}

void BrokerConnections::give_back(std::unique_ptr<varlink::Connection> connection) {
    if (idle_.size() < most_idle) idle_.push_back(std::move(connection));
}

}  // namespace mutual::channel
