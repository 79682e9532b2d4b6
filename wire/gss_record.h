// SPDX-License-Identifier: Apache-2.0
// The records of wire `gss`, dialect `cli`: each frame is one confidential RFC 4121 wrap token, in sequence;
// an empty plaintext ends the sender's stream.
#pragma once

#include "mutual/transport.h"

namespace mutual::wire {

inline constexpr std::size_t max_sent_plaintext = 16'384;

// One handshake token as a frame. Errors: limit.
Result<void> send_token(Bytes token, Outlet& out);

// Seals `plaintext` in pieces of at most 16 KiB, each in place in the outlet's own room. Errors: limit, and
// what the context says. After an error the sequence has a hole: the channel is over.
Result<void> send_records(SecurityContext& context, Bytes plaintext, Outlet& out);
Result<void> send_end_of_stream(SecurityContext& context, Outlet& out);

// The plaintext of one received record, in the record's own memory; empty is the peer's end of stream.
// Whatever is not confidential and exactly next in sequence is an error (protocol).
Result<MutableBytes> open_record(SecurityContext& context, MutableBytes record);

}  // namespace mutual::wire
