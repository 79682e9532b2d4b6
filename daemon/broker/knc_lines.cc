// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/knc_lines.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace mutual::broker {

namespace {

constexpr std::size_t longest_name = 32'767;

// RFC 2743 3.2 with the mechanism of RFC 4121: token id, length of the OID's DER, the DER itself.
constexpr std::string_view exported_krb5_name("\x04\x01\x00\x0b\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02",
                                              15);

std::string hexadecimal(std::string_view octets) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string text;
    text.reserve(2 * octets.size());
    for (const char octet : octets) {
        text.push_back(digits[static_cast<unsigned char>(octet) >> 4U]);
        text.push_back(digits[static_cast<unsigned char>(octet) & 0xfU]);
    }
    return text;
}

// What gss_export_name gives for the principal.
std::string exported(const std::string& principal) {
    std::string name(exported_krb5_name);
    for (int shift = 24; shift >= 0; shift -= 8)
        name.push_back(static_cast<char>((principal.size() >> static_cast<unsigned>(shift)) & 0xffU));
    return name + principal;
}

bool stays_one_line(std::string_view value) {
    return std::ranges::none_of(value, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool is_address(int family, const std::string& text) {
    std::array<unsigned char, 16> ignored{};
    return text.find('\0') == std::string::npos && ::inet_pton(family, text.c_str(), ignored.data()) == 1;
}

}  // namespace

Result<std::string> knc_lines(const KncIdentity& identity) {
    for (const std::string* value : {&identity.peer, &identity.version})
        if (value->empty() || value->size() > longest_name || !stays_one_line(*value))
            return Error(
                Code::internal, Stage::delivery,
                "a name is empty, too long, or has a control character, which knc's lines cannot hold");
    const std::string address = identity.from.bare_address();
    const bool is_ipv4 = is_address(AF_INET, address);
    if (!is_ipv4 && !is_address(AF_INET6, address))
        return Error(Code::internal, Stage::delivery, "the peer's address is none, for knc's lines");
    std::string lines;
    const auto add = [&lines](std::string_view key, std::string_view value) {
        lines.append(key).append(":").append(value).append("\n");
    };
    add("MECH", "krb5");
    add("CREDS", identity.peer);
    add("EXPORT_NAME", hexadecimal(exported(identity.peer)));
    add(is_ipv4 ? "REMOTE_IP" : "REMOTE_IP6", address);
    add("REMOTE_ADDR", address);
    add("REMOTE_PORT", std::to_string(identity.from.port));
    add("VERSION", identity.version);
    return lines + "END\n";
}

}  // namespace mutual::broker
