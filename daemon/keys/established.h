// SPDX-License-Identifier: Apache-2.0
// The last check of a finished context, and its export. Flags, mechanism and names are looked at here, once
// the context is complete, and nowhere earlier (AUT-15).
#pragma once

#include <vector>

#include "daemon/keys/gss_handle.h"
#include "daemon/keys/handshake.h"

namespace mutual::keys {

struct Required {
    OM_uint32 flags = 0;  // GSS_C_*_FLAG, all of them
    std::vector<std::string>
        acceptors;  // the acceptor's principal must be one of these, as libkrb5 writes it
};

// unprotected: a flag is missing; wrong_peer: another name or mechanism, or a name that is not UTF-8;
// expired: no lifetime is left. On success the context is gone: it lives on in what was exported.
Result<Established> establish(GssContext& context, const Required& required);

}  // namespace mutual::keys
