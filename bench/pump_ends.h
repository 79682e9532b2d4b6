// SPDX-License-Identifier: Apache-2.0
// The two ends that bench/run measures between. A connection begins with one octet that says what it is for,
// and the number of octets that the server shall send.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace mutual::bench {

enum class Purpose : char { send = 'S', receive = 'R', echo = 'E' };

// Serves every connection to the listening socket, each in a thread from its first octet on; never ends.
[[noreturn]] void serve(int listener);

// Client: these many octets one way, or these many round trips of 64 octets. The result is a JSON object.
std::string send(int channel, std::uint64_t octets);
std::string receive(int channel, std::uint64_t octets);
std::string echo(int channel, std::size_t count);

}  // namespace mutual::bench
