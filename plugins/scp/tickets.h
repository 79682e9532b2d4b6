// SPDX-License-Identifier: Apache-2.0
// The search identity's ticket cache as a GSS-API credential.
#pragma once

#include "mutual/discovery.h"
#include "plugins/scp/ldap_handles.h"

namespace mutual::scp {

// no_credentials: none was given, or it holds nothing usable.
Result<Credential> open_tickets(const TicketCache& tickets);

}  // namespace mutual::scp
