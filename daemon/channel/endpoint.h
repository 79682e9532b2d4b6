// SPDX-License-Identifier: Apache-2.0
// A numeric network address and port, and TCP sockets for it. No names are looked up here.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "mutual/error.h"
#include "varlink/unique_fd.h"

namespace mutual::channel {

struct Endpoint {
    std::string address;
    std::uint16_t port = 0;
    bool operator==(const Endpoint&) const = default;
};

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

// invalid_request: not a numeric IPv4 or IPv6 address (which may have a zone, "fe80::1%eth0").
Result<SocketAddress> to_socket_address(const Endpoint& endpoint);
Endpoint to_endpoint(const SocketAddress& address);
std::string to_string(const Endpoint& endpoint);  // "192.0.2.1:80", "[2001:db8::1]:80"

Endpoint local_endpoint(int socket);
// Non-blocking, close-on-exec.
Result<UniqueFd> tcp_socket(const SocketAddress& address);
Result<UniqueFd> listen_tcp(const Endpoint& endpoint);
// No delay for small records; a peer that vanished is noticed after about two minutes.
void tune_connection(int socket);

}  // namespace mutual::channel
