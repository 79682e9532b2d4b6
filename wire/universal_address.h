// SPDX-License-Identifier: Apache-2.0
// The addresses that rpcbind gives (RFC 5665 section 5.2.3): a numeric IP address and the two octets of a
// port, all in decimal and with dots: "192.0.2.7.2.15", "2001:db8::7.2.15".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mutual/error.h"

namespace mutual::wire {

struct UniversalAddress {
    std::string address;  // as inet_ntop writes it; "0.0.0.0" and "::": any of the host's
    std::uint16_t port = 0;
    bool operator==(const UniversalAddress&) const = default;
};

// Errors: protocol. An address with a scope, and port 0, are refused.
Result<UniversalAddress> parse_universal_address(std::string_view text);
std::string to_text(const UniversalAddress& place);

bool is_ipv6(std::string_view address);
bool is_wildcard(std::string_view address);
// Of 127.0.0.0/8, ::1, or the same mapped into IPv6.
bool is_loopback(std::string_view address);

}  // namespace mutual::wire
