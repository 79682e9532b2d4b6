// SPDX-License-Identifier: Apache-2.0
// What the broker asks of mutuald-keys: grants, facts of established contexts, ticket caches for searches.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "daemon/broker/connection_pool.h"

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

class KeysClient {
public:
    explicit KeysClient(ConnectionPool& pool) : pool_(pool) {}

    // `caller` is the caller's API connection, for identity caller only.
    asio::awaitable<Result<InitiatingGrant>> initiate(Identity identity, UniqueFd caller, std::string target,
                                                      std::chrono::seconds minimum_lifetime,
                                                      std::chrono::milliseconds timeout);
    asio::awaitable<Result<AcceptingGrants>> accept(std::string service, std::string keytab,
                                                    std::vector<std::string> principals, std::size_t count);
    asio::awaitable<Result<void>> revoke(std::string service, std::int64_t generation);
    asio::awaitable<Result<Facts>> facts(std::string context);
    asio::awaitable<Result<TicketCacheFile>> ticket_cache(Identity identity,
                                                          std::chrono::milliseconds timeout);

private:
    ConnectionPool& pool_;
};

}  // namespace mutual::broker
