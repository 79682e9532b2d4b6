// SPDX-License-Identifier: Apache-2.0
// Moves octets as fast as it can, or to and fro.
//   pump serve PATH | pump serve ADDRESS PORT          the server, on a Unix socket or on TCP
//   pump send|receive|echo AMOUNT [PATH | ADDRESS PORT]   the client, on descriptor 3, a Unix socket or TCP;
//   shows a JSON object
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>

#include "bench/pump_ends.h"

namespace {

constexpr int channel_fd = 3;

void require(int answer, const char* what) {
    if (answer < 0) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

sockaddr_in tcp_address(const char* address, const char* port) {
    sockaddr_in made{};
    made.sin_family = AF_INET;
    made.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
    if (::inet_pton(AF_INET, address, &made.sin_addr) != 1) throw std::runtime_error("no IPv4 address");
    return made;
}

int listen_tcp(const char* address, const char* port) {
    const auto wanted = tcp_address(address, port);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    require(::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), "setsockopt");
    require(::bind(fd, reinterpret_cast<const sockaddr*>(&wanted), sizeof wanted), "bind");
    require(::listen(fd, SOMAXCONN), "listen");
    return fd;
}

sockaddr_un unix_address(const char* path) {
    sockaddr_un made{};
    made.sun_family = AF_UNIX;
    std::strncpy(made.sun_path, path, sizeof made.sun_path - 1);
    return made;
}

int listen_unix(const char* path) {
    const auto wanted = unix_address(path);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(::bind(fd, reinterpret_cast<const sockaddr*>(&wanted), sizeof wanted), "bind");
    require(::chmod(path, 0666), "chmod");
    require(::listen(fd, SOMAXCONN), "listen");
    return fd;
}

int connect_tcp(const char* address, const char* port) {
    const auto wanted = tcp_address(address, port);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    require(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes), "setsockopt");
    require(::connect(fd, reinterpret_cast<const sockaddr*>(&wanted), sizeof wanted), "connect");
    return fd;
}

int connect_unix(const char* path) {
    const auto wanted = unix_address(path);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(::connect(fd, reinterpret_cast<const sockaddr*>(&wanted), sizeof wanted), "connect");
    return fd;
}

int open_channel(std::span<char*> where) {
    if (where.empty()) return channel_fd;
    return where.size() > 1 ? connect_tcp(where[0], where[1]) : connect_unix(where[0]);
}

std::string run(std::span<char*> words) {
    using namespace mutual::bench;
    const std::string verb = words[0];
    if (verb == "serve") serve(words.size() > 2 ? listen_tcp(words[1], words[2]) : listen_unix(words[1]));
    const int channel = open_channel(words.subspan(2));
    const auto amount = std::strtoull(words[1], nullptr, 10);
    if (verb == "send") return send(channel, amount);
    if (verb == "receive") return receive(channel, amount);
    if (verb == "echo") return echo(channel, amount);
    throw std::runtime_error("no such verb: " + verb);
}

}  // namespace

int main(int count, char** words) {
    try {
        if (count < 3) throw std::runtime_error("usage: pump serve|send|receive|echo ...");
        std::printf("%s\n", run({words + 1, static_cast<std::size_t>(count - 1)}).c_str());
        return 0;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "pump: %s\n", failure.what());
        return 1;
    }
}
