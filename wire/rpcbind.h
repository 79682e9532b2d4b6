// SPDX-License-Identifier: Apache-2.0
// The messages of rpcbind (RFC 1833), as much of them as finding and registering programs takes: calls of
// versions 4 and 3, and of version 2 (the port mapper), and what replies hold. Whole messages, without record
// marks; heads of replies are read by rpc_message.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mutual/error.h"
#include "wire/xdr.h"

namespace mutual::wire {

inline constexpr std::uint32_t rpcbind_program = 100'000;
inline constexpr std::uint16_t rpcbind_port = 111;
// What is asked for is one line; a list is what all programs of a host have registered.
inline constexpr std::size_t largest_rpcbind_reply = 1UL << 20;
inline constexpr std::size_t longest_rpcbind_text = 256;
inline constexpr std::size_t most_rpcbind_entries = 256;  // of one program

// The names are the same in all versions; only version 4 has `exact_address`.
enum class RpcbindProcedure : std::uint32_t {
    set = 1,
    unset = 2,
    address = 3,  // of another version of the program, if that one is not registered
    list = 4,
    exact_address = 9,
};

// The texts are the peer's, and may hold anything.
struct RpcbindEntry {
    std::uint32_t program = 0;
    std::uint32_t version = 0;
    std::string netid;    // "tcp", "tcp6"
    std::string address;  // universal
    std::string owner;    // a uid in decimal, "superuser", "unknown"; of version 2, empty
};

// `rpcbind` 4, 3 or 2; version 2 is asked for TCP, and has `address` and `list` only. `list` ignores the
// entry.
std::vector<std::byte> rpcbind_call(std::uint32_t xid, std::uint32_t rpcbind, RpcbindProcedure procedure,
                                    const RpcbindEntry& about);

// What a reply with success holds. Errors: protocol; limit. Each wants all of it, and nothing behind it.
// Of set and unset.
Result<bool> read_rpcbind_flag(MutableBytes results);
// A universal address of the versions 4 and 3; empty: the program is not registered.
Result<std::string> read_rpcbind_address(MutableBytes results);
// Version 2; 0: the program is not registered.
Result<std::uint16_t> read_portmap_port(MutableBytes results);
// The entries of that program only; of version 2 with netid "tcp" or "udp", and the wildcard as address.
Result<std::vector<RpcbindEntry>> read_rpcbind_list(MutableBytes results, std::uint32_t rpcbind,
                                                    std::uint32_t program);

}  // namespace mutual::wire
