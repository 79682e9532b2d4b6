// SPDX-License-Identifier: Apache-2.0
// What mutuald-keys and the broker answer to mutuald-channel, as it reads it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mutual/error.h"
#include "mutual/transport.h"
#include "varlink/message.h"
#include "varlink/unique_fd.h"

namespace mutual::channel {

// Of org.mutuald.Grant.Step. With an error, `token` may be what the peer should see. What follows `done` is
// there when it is set and there is no error.
struct StepReply {
    std::vector<std::byte> token;
    std::optional<Error> error;
    bool done = false;
    bool last = false;    // the grant is used up
    std::string context;  // the id by which the broker reads the facts
    UniqueFd memory;      // holds the exported context
    ContextFacts facts;
};
// `reply` may be an error. Takes its descriptors.
StepReply read_step_reply(varlink::Reply& reply);

// Of org.mutuald.Admission.Admit.
struct Admitted {
    std::string context;  // of the question
    std::string channel;
    UniqueFd program;  // leads to the local server; none: it follows by Attach
    std::string rule;
    std::uint64_t cookie = 0;
    uid_t caller = static_cast<uid_t>(-1);
    std::string unit;  // the caller's; empty: none, or nobody asked
    std::optional<LocalUser> acts_as;
    bool wants_to_know_end = true;  // how the handshake ends, or that we do
};
Result<Admitted> read_admitted(varlink::Reply reply);

}  // namespace mutual::channel
