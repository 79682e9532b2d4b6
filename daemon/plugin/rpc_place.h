// SPDX-License-Identifier: Apache-2.0
// RPC programs: which one is looked for and where one is; which one of ours rpcbind is to know.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mutual::plugin {

struct RpcQuery {
    std::vector<std::string> addresses;  // numeric, of the host or hosts whose rpcbind is asked
    std::uint32_t program = 0;
    std::uint32_t version = 0;
    bool operator==(const RpcQuery&) const = default;
};

struct RpcPlace {
    std::string address;  // numeric
    std::uint16_t port = 0;
    std::string how;  // "rpcbind v4"
    bool operator==(const RpcPlace&) const = default;
};

struct RpcRegistration {
    std::uint32_t program = 0;
    std::vector<std::uint32_t> versions;
    std::string address;  // numeric, that the service listens on; "::" is for IPv4, too
    std::uint16_t port = 0;
    bool operator==(const RpcRegistration&) const = default;
};

}  // namespace mutual::plugin
