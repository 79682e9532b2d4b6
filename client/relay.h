// SPDX-License-Identifier: Apache-2.0
// Copies between a channel and two descriptors of this process, both ways, until both directions have ended:
// the body of a netcat. Memory is bounded; each direction waits for its own slow reader only. SIGPIPE must be
// ignored.
#pragma once

#include "mutual/error.h"

namespace mutual::client {

// `input`'s end becomes the end of our direction of the channel (shutdown), and the channel's end closes
// `output` (its number then leads nowhere). Returns when both have ended, when the peer closed both
// directions, or, if `input` is a terminal, as soon as the peer's direction has ended.
Result<void> relay(int channel, int input, int output);

}  // namespace mutual::client
