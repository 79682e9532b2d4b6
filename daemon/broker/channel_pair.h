// SPDX-License-Identifier: Apache-2.0
// The two ends of a channel on this host, as a connected pair of Unix sockets.
#pragma once

#include <cstdint>

#include "mutual/error.h"
#include "varlink/unique_fd.h"

namespace mutual::broker {

struct ChannelPair {
    UniqueFd program;          // blocking, as any program expects of the socket that it is given
    UniqueFd channel;          // for mutuald-channel, which never waits
    std::uint64_t cookie = 0;  // of the program's end
};
Result<ChannelPair> make_channel_pair();

}  // namespace mutual::broker
