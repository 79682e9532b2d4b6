// SPDX-License-Identifier: Apache-2.0
// Asks rpcbind where an RPC program is. In a child: it blocks, and reads what strangers send.
#pragma once

#include <chrono>

#include "daemon/plugin/rpc_place.h"
#include "mutual/discovery.h"

namespace mutual::plugin {

// Of that, a host that does not answer takes no more from the others.
inline constexpr std::chrono::milliseconds time_of_one_rpcbind{2000};

// The addresses' rpcbinds are asked in turn on that port, each by version 4, then 3, then 2 where it does not
// know the one before, until one knows the program and the version. Errors: not_found where one that answered
// does not; else as the last one failed; the message tells of all.
Result<RpcPlace> look_up_rpc(const RpcQuery& query, std::uint16_t port, Deadline deadline);

}  // namespace mutual::plugin
