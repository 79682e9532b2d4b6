// SPDX-License-Identifier: Apache-2.0
// The channels of the C ABI.
#pragma once

#include <string>

#include "client/broker_types.h"
#include "mutual/error.h"
#include "mutual/mutual.h"

struct mutual_channel {
    mutual::UniqueFd fd;
    mutual::client::ChannelFacts facts;  // of one that was opened or accepted, what its reply tells
};

namespace mutual::client {

mutual_verdict verdict_of(const ChannelFacts& facts);

// Of the program's end of a channel. A failure: it is not a socket.
Result<std::uint64_t> cookie_of(int fd);

}  // namespace mutual::client
