// SPDX-License-Identifier: Apache-2.0
// Answers each call with its argument, all that arrived at once, in one write.
//   rpc_server PLACE      the path of a Unix socket, or ADDRESS:PORT
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "bench/rpc_echo.h"
#include "bench/sockets.h"

namespace {

using namespace mutual;
using namespace mutual::bench;

constexpr std::size_t head = 24;  // octets of a reply without a verifier

void answer(wire::XdrWriter& out, MutableBytes record) {
    const auto call = good(wire::read_call(record));
    put_mark(out, head + call.arguments.size());
    wire::put_accepted(out, call.xid, {}, wire::AcceptStatus::success);
    out.raw(call.arguments);
}

// As recv(), which itself would also wake when the other side has read.
ssize_t receive(int fd, MutableBytes room) {
    pollfd ready{fd, POLLIN, 0};
    ::poll(&ready, 1, -1);
    return ::recv(fd, room.data(), room.size(), 0);
}

void serve_calls(int fd) {
    std::vector<std::byte> in(room);
    wire::RecordReader reader(wire::default_record);
    for (ssize_t got = 0; (got = receive(fd, in)) > 0;) {
        wire::XdrWriter out;
        for (MutableBytes input(in.data(), static_cast<std::size_t>(got)); !input.empty();)
            if (const auto record = good(reader.next(input))) answer(out, *record);
        if (!send_all(fd, out.view().data(), out.view().size())) return;
    }
}

void serve(int fd) {
    try {
        serve_calls(fd);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "rpc_server: %s\n", failure.what());
    }
    ::close(fd);
}

}  // namespace

int main(int words, char** word) {
    try {
        if (words != 2) throw std::runtime_error("usage: rpc_server PLACE");
        const int listener = listen_on(word[1]);
        for (;;) std::thread(serve, accept_from(listener)).detach();
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "rpc_server: %s\n", failure.what());
        return 1;
    }
}
