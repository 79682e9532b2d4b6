// SPDX-License-Identifier: Apache-2.0
// What mutuald-plugin is asked about RPC programs: calls of the broker to the supervisor, and of the
// supervisor to a finder, written and read; and the answer, on the same two ways.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "daemon/plugin/rpc_place.h"
#include "mutual/error.h"
#include "varlink/message.h"

namespace mutual::plugin {

inline constexpr std::size_t most_rpc_versions = 32;
inline constexpr std::size_t most_rpc_services = 256;

// Of the broker.
struct FindRpcCall {
    RpcQuery query;
    std::chrono::milliseconds timeout{0};
};
struct RegisterRpcCall {
    std::string service;
    RpcRegistration registration;
};
Result<FindRpcCall> read_find_rpc(const varlink::Call& call);
Result<RegisterRpcCall> read_register_rpc(const varlink::Call& call);
// The service.
Result<std::string> read_unregister_rpc(const varlink::Call& call);
// The services.
Result<std::vector<std::string>> read_keep_rpc(const varlink::Call& call);

// Of the supervisor.
struct FinderFindRpcCall {
    RpcQuery query;
    std::uint16_t port = 0;  // rpcbind's
    std::chrono::milliseconds timeout{0};
};
struct FinderRegisterCall {
    bool is_wanted = true;  // false: rpcbind is to forget it
    std::string socket;     // rpcbind's
    RpcRegistration registration;
    std::chrono::milliseconds timeout{0};
};
varlink::Call to_call(const FinderFindRpcCall& request);
varlink::Call to_call(const FinderRegisterCall& request);
Result<FinderFindRpcCall> read_finder_find_rpc(const varlink::Call& call);
Result<FinderRegisterCall> read_finder_register(const varlink::Call& call);

varlink::Reply to_reply(const RpcPlace& place);
// A finder's: it may be in anybody's hands.
Result<RpcPlace> read_rpc_place(const varlink::Reply& reply);

}  // namespace mutual::plugin
