// SPDX-License-Identifier: Apache-2.0
// One ticket with its session key, in the form in which it travels between the processes of this program, and
// its checks. A ticket from a fetcher is untrusted until check_ticket() passed it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/keys/krb5_handle.h"
#include "daemon/keys/secret.h"
#include "mutual/error.h"

namespace mutual::keys {

struct Ticket {
    Secret marshalled;
    std::string client;
    std::string server;
    std::int64_t start = 0;  // seconds since the epoch
    std::int64_t end = 0;
};

std::int64_t now_seconds();

Result<Ticket> ticket_of(krb5_context context, krb5_creds& creds);
// protocol: it cannot be read, or there is more than one ticket.
Result<Ticket> unmarshal(Secret marshalled);
// Puts it, alone, into a new memory cache.
Result<Krb5MemoryCache> memory_cache_of(krb5_context context, const Ticket& ticket);
// A FILE credential cache (version 4) with this ticket alone. libkrb5's marshalled form is that format's own.
Result<Secret> cache_file_of(const Ticket& ticket);

// wrong_peer: it is for another server, or its client is not named in UTF-8; no_credentials: it ends within
// `minimum_lifetime` seconds.
Result<void> check_ticket(const Ticket& ticket, std::string_view server, std::int64_t minimum_lifetime);

}  // namespace mutual::keys
