// SPDX-License-Identifier: Apache-2.0
// Has this host's rpcbind know a service's RPC program, or forget it. In a child: it blocks. The owner of an
// entry is the uid that made it, so that nobody but us and root may remove ours, nor we anybody's.
#pragma once

#include <string>

#include "daemon/plugin/rpc_place.h"
#include "mutual/discovery.h"

namespace mutual::plugin {

// `socket`: the path of rpcbind's. What is there already stays; what is ours with another address is
// replaced. Nothing is changed if somebody else has any of it. Errors: unavailable, where it belongs to
// somebody else, too; timed_out; as Rpcbind's.
Result<void> register_rpc(const std::string& socket, const RpcRegistration& wanted, Deadline deadline);
// What is not there, or not ours, stays so.
Result<void> unregister_rpc(const std::string& socket, const RpcRegistration& ours, Deadline deadline);

}  // namespace mutual::plugin
