// SPDX-License-Identifier: Apache-2.0
// What the broker asks of mutuald-keys: grants, facts of established contexts, ticket caches for searches.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/broker/connection_pool.h"
#include "daemon/broker/keys_messages.h"
#include "daemon/broker/told_facts.h"
#include "daemon/config/configuration.h"

namespace mutual::broker {

class KeysClient {
public:
    KeysClient(asio::io_context& loop, ConnectionPool& pool, ToldFacts::Bounds told = {})
        : pool_(pool), told_(loop, pool, told) {}

    // `caller` is the caller's API connection, for identity caller only.
    asio::awaitable<Result<InitiatingGrant>> initiate(Identity identity, UniqueFd caller, std::string target,
                                                      config::Protection protection,
                                                      std::chrono::seconds minimum_lifetime,
                                                      std::chrono::milliseconds timeout);
    asio::awaitable<Result<AcceptingGrants>> accept(std::string service, std::string keytab,
                                                    std::vector<std::string> principals,
                                                    config::Protection protection, std::size_t count);
    asio::awaitable<Result<void>> revoke(std::string service, std::int64_t generation);
    asio::awaitable<Result<Facts>> facts(std::string context);
    asio::awaitable<Result<TicketCacheFile>> ticket_cache(Identity identity,
                                                          std::chrono::milliseconds timeout);
    // One for each identity, in their order. `caller` is the caller's API connection, where one is of that
    // kind.
    asio::awaitable<Result<std::vector<Credential>>> list_credentials(std::vector<Identity> identities,
                                                                      UniqueFd caller,
                                                                      std::chrono::milliseconds timeout);

private:
    ConnectionPool& pool_;
    ToldFacts told_;
};

}  // namespace mutual::broker
