// SPDX-License-Identifier: Apache-2.0
// Carries octets to and fro as they are, with the fewest system calls that a program of one thread needs:
// what two of these between a client and a server reach is what no program in the place of mutuald can pass.
//   relay FROM TO      each the path of a Unix socket, or ADDRESS:PORT
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/sockets.h"

namespace {

using namespace mutual::bench;

bool send_all(int fd, const std::byte* octets, std::size_t size) {
    while (size > 0) {
        const ssize_t sent = ::send(fd, octets, size, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        octets += sent;
        size -= static_cast<std::size_t>(sent);
    }
    return true;
}

void watch(int poller, int fd) {
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.fd = fd;
    if (::epoll_ctl(poller, EPOLL_CTL_ADD, fd, &wanted) != 0) throw std::runtime_error("epoll_ctl");
}

// Until either side ends.
void carry(int one, int other) {
    std::vector<std::byte> room(72UL * 1024);
    const int poller = ::epoll_create1(EPOLL_CLOEXEC);
    watch(poller, one);
    watch(poller, other);
    for (bool both_live = true; both_live;) {
        std::array<epoll_event, 2> ready{};
        const int count = ::epoll_wait(poller, ready.data(), ready.size(), -1);
        for (int i = 0; i < count; ++i) {
            const int from = ready[static_cast<std::size_t>(i)].data.fd;
            const ssize_t got = ::recv(from, room.data(), room.size(), MSG_DONTWAIT);
            both_live &=
                got > 0 && send_all(from == one ? other : one, room.data(), static_cast<std::size_t>(got));
        }
    }
    ::close(poller);
    ::close(one);
    ::close(other);
}

}  // namespace

int main(int words, char** word) {
    try {
        if (words != 3) throw std::runtime_error("usage: relay FROM TO");
        const int listener = listen_on(word[1]);
        for (;;) {
            const int one = accept_from(listener);
            std::thread(carry, one, connect_to(word[2])).detach();
        }
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "relay: %s\n", failure.what());
        return 1;
    }
}
