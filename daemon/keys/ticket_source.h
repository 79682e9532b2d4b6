// SPDX-License-Identifier: Apache-2.0
// Where a fetcher gets tickets: a credential cache of the user that it runs as, or a keytab. In two halves,
// so that whoever waits can tell a cache that does not answer from a KDC that does not. Blocks; a fetcher's
// only work.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "daemon/keys/ticket.h"
#include "mutual/error.h"

namespace mutual::keys {

struct Wanted {
    // Principal with realm. Empty: a new ticket-granting ticket; of a cache, to be told of the one there.
    std::string target;
    std::int64_t minimum_lifetime = 0;       // seconds
    std::shared_ptr<const Ticket> granting;  // keytab only, with a target: what to ask the KDC with
};

struct Found {
    std::string client;
    std::optional<Ticket> ticket;  // absent: the KDC has to be asked
    std::int64_t expires = 0;      // a cache's ticket-granting ticket, where that was looked for
};

class TicketSource {
public:
    virtual ~TicketSource() = default;
    // What is here already; asks nobody.
    virtual Result<Found> look(const Wanted& wanted) = 0;
    // From the KDC; follows a look() for the same.
    virtual Result<Ticket> ask(const Wanted& wanted) = 0;
};

// The cache is read anew on every look(). An empty name: the user's default.
std::unique_ptr<TicketSource> source_from_cache(std::string name);
// Service tickets stay in memory for as long as the ticket-granting ticket is the same. An empty principal:
// the keytab's host principal.
std::unique_ptr<TicketSource> source_from_keytab(std::string keytab, std::string principal);

}  // namespace mutual::keys
