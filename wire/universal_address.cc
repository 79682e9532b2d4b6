// SPDX-License-Identifier: Apache-2.0
#include "wire/universal_address.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <optional>

namespace mutual::wire {

namespace {

constexpr std::size_t longest = INET6_ADDRSTRLEN + 8;

// Cuts ".N" off the end, N being an octet as anybody writes it: no sign, no zero in front.
std::optional<unsigned> cut_octet(std::string_view& text) {
    const std::size_t dot = text.rfind('.');
    if (dot == text.npos) return std::nullopt;
    const std::string_view digits = text.substr(dot + 1);
    text = text.substr(0, dot);
    if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits.front() == '0'))
        return std::nullopt;
    unsigned value = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failure != std::errc() || end != digits.data() + digits.size() || value > 255) return std::nullopt;
    return value;
}

// As everybody would write it; nothing if it is no numeric address.
std::optional<std::string> canonical(std::string_view address) {
    const std::string text(address);
    const int family = is_ipv6(address) ? AF_INET6 : AF_INET;
    std::array<unsigned char, sizeof(in6_addr)> octets{};
    std::array<char, INET6_ADDRSTRLEN> written{};
    if (text.find('\0') != text.npos || ::inet_pton(family, text.c_str(), octets.data()) != 1)
        return std::nullopt;
    return std::string(::inet_ntop(family, octets.data(), written.data(), written.size()));
}

}  // namespace

bool is_ipv6(std::string_view address) { return address.find(':') != address.npos; }

namespace {

// The IPv4 address that an IPv6 one stands for: "::ffff:a.b.c.d" (mapped), "::a.b.c.d" (compatible).
std::string_view unmapped(std::string_view address) {
    for (const std::string_view prefix : {"::ffff:", "::"})
        if (address.starts_with(prefix) && address.find('.') != address.npos)
            return address.substr(prefix.size());
    return address;
}

}  // namespace

bool is_wildcard(std::string_view address) { return unmapped(address) == "0.0.0.0" || address == "::"; }

bool is_loopback(std::string_view address) {
    return address == "::1" || unmapped(address).starts_with("127.");
}

Result<UniversalAddress> parse_universal_address(std::string_view text) {
    const Error refused(Code::protocol, Stage::discovery, "read a universal address: it is not one");
    if (text.size() > longest) return refused;
    const auto low = cut_octet(text);
    const auto high = cut_octet(text);
    if (!low || !high) return refused;
    auto address = canonical(text);
    if (!address) return refused;
    const unsigned port = *high << 8 | *low;
    if (port == 0) return Error(Code::protocol, Stage::discovery, "read a universal address: its port is 0");
    return UniversalAddress{std::move(*address), static_cast<std::uint16_t>(port)};
}

std::string to_text(const UniversalAddress& place) {
    return place.address + "." + std::to_string(place.port >> 8) + "." + std::to_string(place.port & 0xff);
}

}  // namespace mutual::wire
