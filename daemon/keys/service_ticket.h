// SPDX-License-Identifier: Apache-2.0
// Service tickets by means of a credential cache that holds a ticket-granting ticket; what both ticket
// sources share.
#pragma once

#include <optional>

#include "daemon/keys/krb5_handle.h"
#include "daemon/keys/ticket_source.h"

namespace mutual::keys {

// The cached service ticket if it lasts long enough.
Result<std::optional<Ticket>> cached_service_ticket(krb5_context context, krb5_ccache cache,
                                                    const Wanted& wanted);
// The client's ticket-granting ticket of its own realm, expired or not.
Result<std::optional<Ticket>> cached_granting_ticket(krb5_context context, krb5_ccache cache);
// From the KDC, for as long as the ticket-granting ticket allows; left in the cache if it is to be `kept`.
Result<Ticket> ask_for_service_ticket(krb5_context context, krb5_ccache cache, const Wanted& wanted,
                                      std::int64_t granting_end, bool kept = true);

}  // namespace mutual::keys
