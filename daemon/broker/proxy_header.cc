// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/proxy_header.h"

#include <arpa/inet.h>

#include <array>

namespace mutual::broker {

namespace {

constexpr std::string_view signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr char version_and_command = 0x21;  // version 2, PROXY
constexpr char tcp_over_ipv4 = 0x11;
constexpr char tcp_over_ipv6 = 0x21;

void put_16(std::string& out, std::size_t value) {
    out.push_back(static_cast<char>(value >> 8U));
    out.push_back(static_cast<char>(value & 0xffU));
}

void put_tlv(std::string& out, unsigned char type, const std::string& value) {
    out.push_back(static_cast<char>(type));
    put_16(out, value.size());
    out.append(value);
}

}  // namespace

Result<std::string> proxy_header(const ProxyIdentity& identity) {
    std::array<char, 16> address{};
    std::size_t size = 4;
    char family = tcp_over_ipv4;
    const std::string text = identity.from.bare_address();
    if (::inet_pton(AF_INET, text.c_str(), address.data()) != 1) {
        size = 16;
        family = tcp_over_ipv6;
        if (::inet_pton(AF_INET6, text.c_str(), address.data()) != 1)
            return Error(Code::internal, Stage::delivery,
                         "'" + text + "' is not an address for a PROXY header");
    }
    std::string body(address.data(), size);
    body.append(size, '\0');
    put_16(body, identity.from.port);
    put_16(body, identity.local_port);
    for (const std::string* value : {&identity.peer, &identity.self, &identity.channel})
        if (value->size() > 0xffff)
            return Error(Code::limit, Stage::delivery, "a name is too long for a PROXY header");
    put_tlv(body, proxy_tlv_unique_id, identity.channel);
    put_tlv(body, proxy_tlv_peer, identity.peer);
    put_tlv(body, proxy_tlv_self, identity.self);
    if (body.size() > 0xffff)
        return Error(Code::limit, Stage::delivery, "the names are too long for a PROXY header");
    std::string header(signature);
    header.push_back(version_and_command);
    header.push_back(family);
    put_16(header, body.size());
    return header + body;
}

}  // namespace mutual::broker
