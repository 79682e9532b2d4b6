// SPDX-License-Identifier: Apache-2.0
// Moves octets as fast as it can, or to and fro.
//   pump serve PLACE                        the server, on the path of a Unix socket or on ADDRESS:PORT
//   pump send|receive|echo AMOUNT [PLACE]   the client, on descriptor 3 or there; shows a JSON object
#include <cstdio>
#include <cstdlib>
#include <span>
#include <stdexcept>
#include <string>

#include "bench/pump_ends.h"
#include "bench/sockets.h"

namespace {

constexpr int channel_fd = 3;

std::string run(std::span<char*> words) {
    using namespace mutual::bench;
    const std::string verb = words[0];
    if (verb == "serve") serve(listen_on(words[1]));
    const int channel = words.size() > 2 ? connect_to(words[2]) : channel_fd;
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
