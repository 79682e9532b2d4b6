// SPDX-License-Identifier: Apache-2.0
// What the broker says to mutuald-keys, and reads of its answers; values only. Answers are read as those of
// mutuald-channel are (channel_messages.h).
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mutual/error.h"
#include "varlink/message.h"

namespace mutual::broker {

// Which credentials are used.
struct Identity {
    enum class Kind : std::uint8_t { caller, keytab, host } kind = Kind::caller;
    std::string principal;         // keytab
    std::string keytab;            // keytab: path
    std::string credential_cache;  // caller: the cache's name; empty: that uid's default
};

struct InitiatingGrant {
    UniqueFd grant;
    std::string principal;  // whose ticket it is
    std::int64_t expires = 0;
    bool cached = false;  // the service ticket was in the cache already
};

struct AcceptingGrants {
    std::vector<UniqueFd> grants;
    std::int64_t generation = 0;
    std::vector<std::string> keys;  // "principal (kvno 3, aes256-cts-hmac-sha1-96)", for logs
};

// The truth about one established context.
struct Facts {
    bool initiator_role = false;
    std::string initiator;
    std::string acceptor;
    bool mutual = false;
    bool confidentiality = false;
    bool integrity = false;
    bool replay = false;
    bool sequence = false;
    bool delegation = false;
    std::int64_t expires = 0;  // seconds since the epoch
};

struct TicketCacheFile {
    UniqueFd cache;
    std::string principal;
    std::int64_t expires = 0;
};

// Of accepting grants: later than every one that there will ever be.
inline constexpr std::int64_t every_generation = (std::int64_t{1} << 53) - 1;

// What is known of one identity; no key.
struct Credential {
    struct Key {
        std::string principal;
        std::int64_t kvno = 0;
        std::string enctype;
    };
    std::string principal;
    std::string keytab;  // empty: it is a cache
    std::vector<Key> keys;
    std::optional<std::int64_t> expires;  // of the ticket that is kept, seconds since the epoch
    std::optional<std::int64_t> renews;
    std::optional<Error> failure;
    std::int64_t failed_at = 0;
};

boost::json::object to_json(const Identity& identity);

// They take the reply's descriptors.
Result<InitiatingGrant> read_initiating(varlink::Reply& reply);
Result<AcceptingGrants> read_accepting(varlink::Reply& reply);
Result<Facts> read_facts(const varlink::Reply& reply);
Result<TicketCacheFile> read_ticket_cache(varlink::Reply& reply);
Result<std::vector<Credential>> read_credentials(const varlink::Reply& reply);

}  // namespace mutual::broker
