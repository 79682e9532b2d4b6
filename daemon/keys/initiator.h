// SPDX-License-Identifier: Apache-2.0
// The initiator's side of a handshake, from one service ticket and to one target.
#pragma once

#include <memory>
#include <string>

#include "daemon/keys/handshake.h"
#include "daemon/keys/ticket.h"

namespace mutual::keys {

// The ticket's own server is the target. Takes what it needs: the ticket may go afterwards.
Result<std::unique_ptr<Handshake>> begin_initiating(const Ticket& ticket, Protection protection);

}  // namespace mutual::keys
