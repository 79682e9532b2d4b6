// SPDX-License-Identifier: Apache-2.0
#include "spn/part.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace mutual {
namespace {

constexpr std::string_view hex = "0123456789abcdef";

std::string octet(char c) {
    const auto value = static_cast<unsigned char>(c);
    if (value > 0x20 && value < 0x7f) return std::string{'"', c, '"'};
    return std::string{'0', 'x', hex[value >> 4U], hex[value & 0xfU]};
}

std::string_view hint_for(char c) {
    switch (c) {
        case '/':
            return "\"/\" separates the parts of an SPN and cannot be escaped: use a name without it";
        case '@':
            return "give the realm separately, not as a part of the SPN";
        case ':':
            return "one port or instance name follows the host; an IPv6 address cannot be the host of an SPN";
        default:
            return "only printable ASCII is allowed, and a blank only in the third part";
    }
}

Result<void> check_octets(std::string_view text, std::string_view what, char lowest,
                          std::string_view forbidden) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c >= lowest && c <= '~' && forbidden.find(c) == std::string_view::npos) continue;
        return spn_error(std::string{what} + " holds " + octet(c) + " at octet " + std::to_string(i + 1),
                         std::string{hint_for(c)});
    }
    return {};
}

bool all_digits(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Result<void> check_instance(const Spn& spn) {
    if (spn.instance.empty()) return {};
    if (spn.port != 0) return spn_error("SPN has both a port and an instance name");
    if (all_digits(spn.instance))
        return spn_error("instance name is all digits", "a suffix of digits is a port: give it as the port");
    return check_octets(spn.instance, "instance name", '!', "/@:");
}

}  // namespace

Error spn_error(std::string message, std::string hint) {
    return {Code::invalid_request, Stage::spn, std::move(message), std::move(hint)};
}

Result<void> check_service_name(std::string_view text, std::string_view what) {
    return check_octets(text, what, ' ', "/");
}

Result<void> check_parts(const Spn& spn) {
    if (spn.service_class.empty()) return spn_error("service class is empty");
    if (spn.host.empty()) return spn_error("host is empty");
    if (auto good = check_octets(spn.service_class, "service class", '!', "/@"); !good) return good;
    if (auto good = check_octets(spn.host, "host", '!', "/@:"); !good) return good;
    if (auto good = check_instance(spn); !good) return good;
    if (spn.service_name.empty() && is_address_literal(spn.host))
        return spn_error(
            "host is an IP address without a third part",
            "use the host's name; an address needs the name of the machine that gave it (referrer)");
    return check_service_name(spn.service_name, "service name");
}

Result<void> split_host(std::string_view text, Spn& spn) {
    const auto colon = text.find(':');
    spn.host = text.substr(0, colon);
    if (colon == std::string_view::npos) return {};
    const auto suffix = text.substr(colon + 1);
    if (suffix.empty()) return spn_error("port or instance name after \":\" is empty");
    if (!all_digits(suffix)) {
        spn.instance = suffix;
        return {};
    }
    if (suffix.front() == '0' && suffix.size() > 1)
        return spn_error("port has a leading zero", "write the port without it");
    const auto end = suffix.data() + suffix.size();
    if (std::from_chars(suffix.data(), end, spn.port).ec != std::errc{} || spn.port == 0)
        return spn_error("port is not in the range 1 to 65535", "leave the port out for the default port");
    return {};
}

bool is_address_literal(std::string_view text) {
    unsigned char address[sizeof(in6_addr)];
    const std::string terminated{text};
    return inet_pton(AF_INET, terminated.c_str(), address) == 1 ||
           inet_pton(AF_INET6, terminated.c_str(), address) == 1;
}

}  // namespace mutual
