// SPDX-License-Identifier: Apache-2.0
// The PROXY protocol header, version 2, by which a local server learns who its peer is: the peer's address,
// and in TLVs of the range for own use the peer's principal (0xE0), the principal that it asked for (0xE1),
// and the channel's id (PP2_TYPE_UNIQUE_ID, 0x05).
#pragma once

#include <string>

#include "daemon/broker/endpoint.h"
#include "mutual/error.h"

namespace mutual::broker {

inline constexpr unsigned char proxy_tlv_unique_id = 0x05;
inline constexpr unsigned char proxy_tlv_peer = 0xE0;
inline constexpr unsigned char proxy_tlv_self = 0xE1;

struct ProxyIdentity {
    Endpoint from;
    std::uint16_t local_port = 0;
    std::string peer;
    std::string self;
    std::string channel;
};

// Fails closed: what cannot be expressed (a value above 65,535 octets in all, an address that is none) is an
// error.
Result<std::string> proxy_header(const ProxyIdentity& identity);

}  // namespace mutual::broker
