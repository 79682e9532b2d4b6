// SPDX-License-Identifier: Apache-2.0
// Carries octets to and fro as they are, in one thread with one epoll_wait, recv and send for each message:
// two of these between a client and a server are mutuald without encryption and without thought.
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

void watch(int poller, int fd) {
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.fd = fd;
    if (::epoll_ctl(poller, EPOLL_CTL_ADD, fd, &wanted) != 0) throw std::runtime_error("epoll_ctl");
}

int connect_or_not(const std::string& place) {
    try {
        return connect_to(place);
    } catch (const std::exception&) {
        return -1;
    }
}

// Until either side ends.
void carry(int one, const std::string& place) {
    const int other = connect_or_not(place);
    if (other < 0) {
        ::close(one);
        return;
    }
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
        for (;;) std::thread(carry, accept_from(listener), std::string(word[2])).detach();
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "relay: %s\n", failure.what());
        return 1;
    }
}
