// SPDX-License-Identifier: Apache-2.0
// The commands of wire `gss`, dialect `libknc`: an empty record announces that the next record is one. Ends
// of streams are commands of no or one octet; all others are a number, a name, and data, several to a record.
#pragma once

#include <string>
#include <vector>

#include "mutual/transport.h"

namespace mutual::sockets {

struct KncCommand {
    bool sends_no_more = false;        // the peer
    bool reads_no_more = false;        // the peer
    std::optional<std::string> fault;  // the text of its `txt_error`, as it came
    std::vector<std::byte> answer;  // a command for the peer: "dont_understand" for each that we do not know
};

// `body` is the record's plaintext. Errors: protocol (malformed), limit (its answer is above 16 KiB).
Result<KncCommand> read_knc_command(Bytes body);

// The body by which we say that we will send no more.
inline constexpr std::array knc_end_of_stream{std::byte{0}};

}  // namespace mutual::sockets
