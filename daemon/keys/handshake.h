// SPDX-License-Identifier: Apache-2.0
// One security context while it is being established. Knows no socket and never waits: an initiator has its
// ticket in memory, an acceptor reads a local keytab.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/keys/secret.h"
#include "mutual/error.h"

namespace mutual::keys {

// stream: a byte stream that GSS protects. rpc: RPCSEC_GSS, which has a sequence window of its own.
enum class Protection { stream, rpc };

struct Flags {
    bool mutual = false, confidentiality = false, integrity = false, replay = false, sequence = false,
         delegation = false;
    bool operator==(const Flags&) const = default;
};

// A context that passed every check, and what was checked.
struct Established {
    Secret context;  // as gss_export_sec_context gives it
    std::string initiator;
    std::string acceptor;
    Flags flags;
    std::int64_t expires = 0;  // seconds since the epoch: the ticket's end
};

// With an error, `token` is what the mechanism wants the peer to see; it may be empty.
struct StepAnswer {
    std::string token;
    std::optional<Established> established;
    std::optional<Error> error;
};

class Handshake {
public:
    virtual ~Handshake() = default;
    // `token` is what the peer sent; empty for an initiator's first step. After an answer with `established`
    // or an error there is no further step.
    virtual StepAnswer step(std::string_view token) = 0;
};

}  // namespace mutual::keys
