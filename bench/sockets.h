// SPDX-License-Identifier: Apache-2.0
// Sockets of the programs that bench/run measures with. A place is the path of a Unix socket, or ADDRESS:PORT
// with an IPv4 address.
#pragma once

#include <cstddef>
#include <string>

namespace mutual::bench {

// Both throw std::runtime_error; the descriptor is the caller's. Everybody may connect to a path.
int listen_on(const std::string& place);
int connect_to(const std::string& place);

// The next connection to a socket of listen_on().
int accept_from(int listener);

// All of them, without SIGPIPE. False: the other side has gone.
bool send_all(int fd, const void* octets, std::size_t size);

}  // namespace mutual::bench
