// SPDX-License-Identifier: Apache-2.0
// Answers each call with its argument, on a Unix socket; all that arrived at once, in one write.
//   rpc_server PATH
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "bench/rpc_echo.h"

namespace {

using namespace mutual;
using namespace mutual::bench;

constexpr std::size_t head = 24;  // octets of a reply without a verifier

void require(int answer, const char* what) {
    if (answer < 0) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

int listen_on(const char* path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
    require(::chmod(path, 0666), "chmod");
    require(::listen(fd, SOMAXCONN), "listen");
    return fd;
}

void answer(wire::XdrWriter& out, MutableBytes record) {
    const auto call = good(wire::read_call(record));
    put_mark(out, head + call.arguments.size());
    wire::put_accepted(out, call.xid, {}, wire::AcceptStatus::success);
    out.raw(call.arguments);
}

bool send_all(int fd, Bytes octets) {
    while (!octets.empty()) {
        const ssize_t sent = ::send(fd, octets.data(), octets.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        octets = octets.subspan(static_cast<std::size_t>(sent));
    }
    return true;
}

void serve_calls(int fd) {
    std::vector<std::byte> in(room);
    wire::RecordReader reader(wire::default_record);
    for (ssize_t got = 0; (got = ::recv(fd, in.data(), in.size(), 0)) > 0;) {
        wire::XdrWriter out;
        for (MutableBytes input(in.data(), static_cast<std::size_t>(got)); !input.empty();)
            if (const auto record = good(reader.next(input))) answer(out, *record);
        if (!send_all(fd, out.view())) return;
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
        if (words != 2) throw std::runtime_error("usage: rpc_server PATH");
        const int listener = listen_on(word[1]);
        for (;;) {
            const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd >= 0) std::thread(serve, fd).detach();
        }
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "rpc_server: %s\n", failure.what());
        return 1;
    }
}
