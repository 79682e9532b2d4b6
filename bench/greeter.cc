// SPDX-License-Identifier: Apache-2.0
// Opens connections one after the other, by several callers at once, and exchanges a greeting on each: only
// an answer shows that a connection stands.
//   greeter COUNT CALLERS channel SERVICE    channels, asked for by libmutual
//   greeter COUNT CALLERS socket PATH        connections to a Unix socket
// Shows a JSON object. The server is `pump serve`.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <future>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/pump_ends.h"
#include "mutual/mutual.h"

namespace {

using Opener = std::function<int()>;  // a connected socket, for the caller to close

int open_channel(const char* service) {
    mutual_request request = MUTUAL_REQUEST_INIT;
    request.service = service;
    mutual_channel* channel = nullptr;
    mutual_error* error = nullptr;
    if (mutual_open(&request, &channel, &error) != MUTUAL_OK) {
        const std::string why = mutual_error_message(error);
        mutual_error_free(error);
        throw std::runtime_error(why);
    }
    const int socket = mutual_channel_take_fd(channel);
    mutual_channel_free(channel);
    return socket;
}

int open_socket(const char* path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
    return socket;
}

// What makes `pump serve` echo, and 64 octets for it.
void greet(int socket) {
    std::array<char, 1 + sizeof(std::uint64_t) + 64> greeting{
        static_cast<char>(mutual::bench::Purpose::echo)};
    std::array<char, 64> answer{};
    if (::send(socket, greeting.data(), greeting.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(greeting.size()) ||
        ::recv(socket, answer.data(), answer.size(), MSG_WAITALL) != static_cast<ssize_t>(answer.size()))
        throw std::runtime_error("the server did not answer");
}

void open_and_greet(const Opener& opener, int count) {
    for (int i = 0; i < count; ++i) {
        const int socket = opener();
        greet(socket);
        ::close(socket);
    }
}

double rate(const Opener& opener, int count, int callers) {
    const auto begun = std::chrono::steady_clock::now();
    std::vector<std::future<void>> running;
    for (int i = 0; i < callers; ++i)
        running.push_back(std::async(std::launch::async, open_and_greet, opener, count / callers));
    for (auto& caller : running) caller.get();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    return (count / callers * callers) / took.count();
}

}  // namespace

int main(int words, char** word) {
    try {
        const std::string kind = words == 5 ? word[3] : "";
        if (kind != "channel" && kind != "socket")
            throw std::runtime_error("usage: greeter COUNT CALLERS channel SERVICE | socket PATH");
        const char* where = word[4];
        const Opener opener = kind == "channel" ? Opener([where] { return open_channel(where); })
                                                : Opener([where] { return open_socket(where); });
        std::printf("{\"per_second\": %f}\n", rate(opener, std::atoi(word[1]), std::atoi(word[2])));
        return 0;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "greeter: %s\n", failure.what());
        return 1;
    }
}
