// SPDX-License-Identifier: Apache-2.0
// serve_cc SERVICE: answers the question of each peer that opens a channel to the service. It waits in
// poll(), as a program with an event loop does: the call that accepts the next channel is a descriptor among
// others.
//
//     c++ -std=c++17 -o serve_cc serve.cc $(pkg-config --cflags --libs mutual)
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <list>
#include <mutual/mutual.hpp>
#include <string>
#include <utility>
#include <vector>

namespace {

struct Peer {
    mutual::Channel channel;
    std::string question = {};
};

// What happened, where, and often what to do about it.
void show(const mutual::Failure& failure) {
    std::cerr << "serve: " << mutual_code_name(failure.code()) << " at " << failure.stage() << ": "
              << failure.what() << '\n';
    if (*failure.hint() != '\0') std::cerr << "hint: " << failure.hint() << '\n';
}

// Only a proven end makes the question a whole one. One peer's failure is not the others'.
bool is_whole(const Peer& peer) {
    try {
        return mutual::end(peer.channel.fd()) == MUTUAL_END_AUTHENTICATED;
    } catch (const mutual::Failure& failure) {
        show(failure);
        return false;
    }
}

void answer(const Peer& peer) {
    if (!is_whole(peer)) {
        std::cerr << "serve: no whole question from " << peer.channel.peer() << '\n';
        return;
    }
    // The peer's name was proved by Kerberos, and mutuald's configuration admitted it.
    const std::string text = std::string(peer.channel.peer()) + " asked '" + peer.question + "'\n";
    if (::send(peer.channel.fd(), text.data(), text.size(), MSG_NOSIGNAL) < 0)
        std::cerr << "serve: send failed\n";
}

// False: there is no more to do for this peer.
bool read_some(Peer& peer) {
    std::array<char, 4096> buffer;
    const ssize_t size = ::read(peer.channel.fd(), buffer.data(), buffer.size());
    if (size > 0) peer.question.append(buffer.data(), static_cast<std::size_t>(size));
    if (size != 0) return size > 0 && peer.question.size() <= 65536;
    answer(peer);
    return false;
}

[[noreturn]] void serve(const mutual::Request& request) {
    auto next = mutual::Pending::accept(request);
    std::list<Peer> peers;
    for (;;) {
        std::vector<pollfd> waiting{{next.fd(), POLLIN, 0}};
        for (const Peer& peer : peers) waiting.push_back({peer.channel.fd(), POLLIN, 0});
        ::poll(waiting.data(), waiting.size(), -1);
        auto ready = waiting.begin() + 1;
        for (auto peer = peers.begin(); peer != peers.end(); ++ready)
            peer = ready->revents == 0 || read_some(*peer) ? std::next(peer) : peers.erase(peer);
        if (waiting.front().revents == 0) continue;
        auto channel = next.finish();
        if (!channel) continue;  // not yet
        peers.push_back({std::move(*channel)});
        next = mutual::Pending::accept(request);
    }
}

}  // namespace

int main(int count, char** words) {
    if (count != 2) {
        std::cerr << "usage: serve_cc SERVICE\n";
        return 2;
    }
    mutual::Request request;
    request.service = words[1];
    try {
        serve(request);
    } catch (const mutual::Failure& failure) {
        show(failure);
        return 1;
    }
}
