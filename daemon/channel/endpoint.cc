// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/endpoint.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace mutual::channel {
namespace {

void set_option(int socket, int level, int option, int value) {
    ::setsockopt(socket, level, option, &value, sizeof value);
}

Error cannot(const std::string& what, const Endpoint& endpoint, int failure) {
    const Code code = failure == EADDRINUSE || failure == EACCES || failure == EADDRNOTAVAIL
                          ? Code::invalid_configuration
                          : Code::unavailable;
    std::string hint;
    if (failure == EACCES)
        hint = "ports below 1024 come from a systemd socket that is named after the service";
    if (failure == EADDRINUSE) hint = "another program, or another service, listens there";
    return {code, Stage::connect, what + " " + to_string(endpoint) + ": " + std::strerror(failure),
            std::move(hint)};
}

}  // namespace

Result<SocketAddress> to_socket_address(const Endpoint& endpoint) {
    SocketAddress result;
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(endpoint.port);
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(endpoint.port);
    const auto zone = endpoint.address.find('%');
    if (::inet_pton(AF_INET, endpoint.address.c_str(), &four.sin_addr) == 1) {
        std::memcpy(&result.storage, &four, sizeof four);
        result.length = sizeof four;
        return result;
    }
    if (zone != std::string::npos) six.sin6_scope_id = ::if_nametoindex(endpoint.address.c_str() + zone + 1);
    if (::inet_pton(AF_INET6, endpoint.address.substr(0, zone).c_str(), &six.sin6_addr) != 1 ||
        (zone != std::string::npos && six.sin6_scope_id == 0))
        return Error{Code::invalid_request, Stage::addresses,
                     "the address is not numeric: " + endpoint.address};
    std::memcpy(&result.storage, &six, sizeof six);
    result.length = sizeof six;
    return result;
}

Endpoint to_endpoint(const SocketAddress& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.storage.ss_family == AF_INET) {
        sockaddr_in four{};
        std::memcpy(&four, &address.storage, sizeof four);
        ::inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
        return {text.data(), ntohs(four.sin_port)};
    }
    if (address.storage.ss_family != AF_INET6) return {};
    sockaddr_in6 six{};
    std::memcpy(&six, &address.storage, sizeof six);
    ::inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size());
    std::string full = text.data();
    std::array<char, IF_NAMESIZE> zone{};
    if (six.sin6_scope_id != 0 && ::if_indextoname(six.sin6_scope_id, zone.data()))
        full += std::string("%") + zone.data();
    return {std::move(full), ntohs(six.sin6_port)};
}

std::string to_string(const Endpoint& endpoint) {
    const bool six = endpoint.address.find(':') != std::string::npos;
    return (six ? "[" + endpoint.address + "]" : endpoint.address) + ":" + std::to_string(endpoint.port);
}

Endpoint local_endpoint(int socket) {
    SocketAddress address;
    address.length = sizeof address.storage;
    if (::getsockname(socket, address.get(), &address.length) != 0) return {};
    return to_endpoint(address);
}

Result<UniqueFd> tcp_socket(const SocketAddress& address) {
    UniqueFd socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket)
        return Error{Code::unavailable, Stage::connect,
                     std::string("make a socket: ") + std::strerror(errno)};
    return socket;
}

Result<UniqueFd> listen_tcp(const Endpoint& endpoint) {
    auto address = to_socket_address(endpoint);
    if (!address) return std::move(address).error();
    auto socket = tcp_socket(*address);
    if (!socket) return socket;
    set_option(socket->value(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (::bind(socket->value(), address->get(), address->length) != 0 ||
        ::listen(socket->value(), SOMAXCONN) != 0)
        return cannot("listen on", endpoint, errno);
    return socket;
}

void tune_connection(int socket) {
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 60);
    set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 15);
    set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 4);
}

}  // namespace mutual::channel
