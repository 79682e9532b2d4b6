// SPDX-License-Identifier: Apache-2.0
#include "bench/pump_ends.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

#include "bench/sockets.h"

namespace mutual::bench {
namespace {

constexpr std::size_t chunk = 256 * 1024;
constexpr std::size_t small = 64;
constexpr std::size_t opening = 1 + sizeof(std::uint64_t);

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begun) {
    return std::chrono::duration<double>(Clock::now() - begun).count();
}

bool get(int fd, char* octets, std::size_t size) {
    while (size > 0) {
        const ssize_t got = ::recv(fd, octets, size, 0);
        if (got <= 0) return false;
        octets += got;
        size -= static_cast<std::size_t>(got);
    }
    return true;
}

bool put_much(int fd, std::uint64_t octets) {
    const std::vector<char> data(chunk, 'x');
    for (; octets > 0; octets -= std::min<std::uint64_t>(octets, chunk))
        if (!send_all(fd, data.data(), std::min<std::uint64_t>(octets, chunk))) return false;
    return true;
}

// Reads to the end of the stream; tells how much that was.
std::uint64_t drain(int fd) {
    std::vector<char> data(chunk);
    std::uint64_t all = 0;
    for (ssize_t got = 0; (got = ::recv(fd, data.data(), data.size(), 0)) > 0;)
        all += static_cast<std::uint64_t>(got);
    return all;
}

void echo_all(int fd) {
    std::array<char, 4096> data{};
    for (ssize_t got = 0; (got = ::recv(fd, data.data(), data.size(), 0)) > 0;)
        if (!send_all(fd, data.data(), static_cast<std::size_t>(got))) return;
}

void serve_one(int fd) {
    std::array<char, opening> head{};
    if (get(fd, head.data(), head.size())) {
        std::uint64_t octets = 0;
        std::memcpy(&octets, head.data() + 1, sizeof octets);
        if (head[0] == static_cast<char>(Purpose::echo)) echo_all(fd);
        if (head[0] == static_cast<char>(Purpose::receive)) put_much(fd, octets);
        if (head[0] == static_cast<char>(Purpose::send)) {
            const std::uint64_t seen = drain(fd);
            send_all(fd, &seen, sizeof seen);
        }
    }
    ::close(fd);
}

void open_for(int fd, Purpose purpose, std::uint64_t octets) {
    std::array<char, opening> head{static_cast<char>(purpose)};
    std::memcpy(head.data() + 1, &octets, sizeof octets);
    if (!send_all(fd, head.data(), head.size())) throw std::runtime_error("the channel took nothing");
}

std::string moved(std::uint64_t octets, double seconds) {
    return "{\"octets\": " + std::to_string(octets) + ", \"seconds\": " + std::to_string(seconds) + "}";
}

}  // namespace

void serve(int listener) {
    const int ready = ::epoll_create1(EPOLL_CLOEXEC);
    const auto watch = [ready](int fd) {
        epoll_event wanted{};
        wanted.events = EPOLLIN;
        wanted.data.fd = fd;
        ::epoll_ctl(ready, EPOLL_CTL_ADD, fd, &wanted);
    };
    watch(listener);
    for (;;) {
        epoll_event event{};
        if (::epoll_wait(ready, &event, 1, -1) != 1) continue;
        const int fd = event.data.fd;
        if (fd == listener) {
            if (const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC); accepted >= 0)
                watch(accepted);
        } else {
            ::epoll_ctl(ready, EPOLL_CTL_DEL, fd, nullptr);
            std::thread(serve_one, fd).detach();
        }
    }
}

std::string send(int channel, std::uint64_t octets) {
    const auto begun = Clock::now();
    open_for(channel, Purpose::send, octets);
    if (!put_much(channel, octets)) throw std::runtime_error("the channel broke");
    ::shutdown(channel, SHUT_WR);
    std::uint64_t seen = 0;
    if (!get(channel, reinterpret_cast<char*>(&seen), sizeof seen) || seen != octets)
        throw std::runtime_error("the server did not see all of it");
    return moved(octets, seconds_since(begun));
}

std::string receive(int channel, std::uint64_t octets) {
    const auto begun = Clock::now();
    open_for(channel, Purpose::receive, octets);
    if (drain(channel) != octets) throw std::runtime_error("the server did not send all of it");
    return moved(octets, seconds_since(begun));
}

std::string echo(int channel, std::size_t count) {
    std::array<char, small> message{};
    std::vector<double> times;
    open_for(channel, Purpose::echo, 0);
    for (std::size_t i = 0; i < count; ++i) {
        const auto begun = Clock::now();
        if (!send_all(channel, message.data(), small) || !get(channel, message.data(), small))
            throw std::runtime_error("the channel broke");
        times.push_back(1e6 * seconds_since(begun));
    }
    std::sort(times.begin(), times.end());
    return "{\"p50\": " + std::to_string(times.at(count / 2)) +
           ", \"p99\": " + std::to_string(times.at(count * 99 / 100)) + "}";
}

}  // namespace mutual::bench
