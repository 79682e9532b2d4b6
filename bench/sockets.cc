// SPDX-License-Identifier: Apache-2.0
#include "bench/sockets.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace mutual::bench {

namespace {

void require(int answer, const char* what) {
    if (answer < 0) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;

    bool is_unix() const { return storage.ss_family == AF_UNIX; }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

template <class Kind>
Address address_of(const Kind& made) {
    Address address;
    std::memcpy(&address.storage, &made, sizeof made);
    address.size = sizeof made;
    return address;
}

Address read_place(const std::string& place) {
    if (place.starts_with('/')) {
        sockaddr_un made{};
        made.sun_family = AF_UNIX;
        if (place.size() >= sizeof made.sun_path) throw std::runtime_error("the path is too long");
        std::memcpy(made.sun_path, place.data(), place.size());
        return address_of(made);
    }
    const auto colon = place.find(':');
    sockaddr_in made{};
    made.sin_family = AF_INET;
    if (colon == std::string::npos ||
        ::inet_pton(AF_INET, place.substr(0, colon).c_str(), &made.sin_addr) != 1)
        throw std::runtime_error("neither a path nor ADDRESS:PORT: " + place);
    made.sin_port = htons(static_cast<std::uint16_t>(std::atoi(place.c_str() + colon + 1)));
    return address_of(made);
}

int new_socket(const Address& address) {
    const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(fd, "socket");
    return fd;
}

void send_at_once(int fd) {
    const int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);  // a Unix socket has no such thing
}

}  // namespace

int listen_on(const std::string& place) {
    const Address address = read_place(place);
    const int fd = new_socket(address);
    const int yes = 1;
    require(::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), "setsockopt");
    require(::bind(fd, address.get(), address.size), "bind");
    if (address.is_unix()) require(::chmod(place.c_str(), 0666), "chmod");
    require(::listen(fd, SOMAXCONN), "listen");
    return fd;
}

int connect_to(const std::string& place) {
    const Address address = read_place(place);
    const int fd = new_socket(address);
    send_at_once(fd);
    require(::connect(fd, address.get(), address.size), "connect");
    return fd;
}

int accept_from(int listener) {
    int fd = -1;
    do fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    require(fd, "accept");
    send_at_once(fd);
    return fd;
}

bool send_all(int fd, const void* octets, std::size_t size) {
    const auto* next = static_cast<const std::byte*>(octets);
    while (size > 0) {
        const ssize_t sent = ::send(fd, next, size, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        next += sent;
        size -= static_cast<std::size_t>(sent);
    }
    return true;
}

}  // namespace mutual::bench
