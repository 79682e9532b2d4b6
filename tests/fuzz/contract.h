// SPDX-License-Identifier: Apache-2.0
// What every Session owes its host, whatever a peer sends.
#pragma once

#include "tests/fakes/host.h"
#include "tests/fuzz/property.h"

namespace mutual::fuzz {

inline void require_contract(const fakes::FakeHost& host) {
    if (!host.violations.empty()) require(false, "a Session keeps its contract", host.violations.front());
    if (host.error) require_text(*host.error);
    const bool cut_off = host.ended == Verdict::reset || host.ended == Verdict::denied;
    require(!cut_off || host.error, "a channel that is cut off says why");
    if (host.program_verdict)
        require(host.is_established, "a program sees nothing before the handshake is over");
}

}  // namespace mutual::fuzz
