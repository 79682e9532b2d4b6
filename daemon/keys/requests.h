// SPDX-License-Identifier: Apache-2.0
// What mutuald-keys and its fetchers are asked for, as they read it, and what a fetcher answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "daemon/keys/handshake.h"
#include "daemon/keys/ticket_source.h"
#include "mutual/error.h"
#include "varlink/message.h"
#include "varlink/unique_fd.h"

namespace mutual::keys {

struct Identity {
    enum class Kind { caller, keytab, host } kind = Kind::caller;
    std::string principal;
    std::string keytab;
    std::string credential_cache;
};

struct InitiateRequest {
    Identity identity;
    UniqueFd caller;  // of kind caller: its API connection
    Wanted wanted;
    Protection protection = Protection::stream;
    bool one_handshake = true;  // false: as many as a channel needs
    std::chrono::milliseconds timeout{0};
};
struct AcceptRequest {
    std::string service;
    std::string keytab;
    std::vector<std::string> principals;
    Protection protection = Protection::stream;
    std::int64_t count = 0;  // of grants
};
struct RevokeRequest {
    std::string service;
    std::int64_t generation = 0;
};
struct CacheRequest {
    Identity identity;  // never the caller's
    std::chrono::milliseconds timeout{0};
};

struct ListRequest {
    std::vector<Identity> identities;
    UniqueFd caller;  // the API connection, for those of kind caller
    std::chrono::milliseconds timeout{0};
};

// From the broker. The calls' descriptors are taken.
Result<InitiateRequest> read_initiate(varlink::Call& call);
Result<AcceptRequest> read_accept(varlink::Call& call);
Result<RevokeRequest> read_revoke(varlink::Call& call);
Result<std::string> read_context(varlink::Call& call);  // of Facts
Result<CacheRequest> read_cache_request(varlink::Call& call);
Result<ListRequest> read_list(varlink::Call& call);
Result<void> read_status(varlink::Call& call);
Result<void> read_watch(varlink::Call& call);

// What mutuald-channel may send over a grant: a call with one token, of at most max_token in base64, and no
// descriptor.
inline constexpr varlink::Limits grant_limits{256 * 1024, 4, 0};
struct StepRequest {
    std::int64_t handshake = 0;
    std::string token;
    std::int64_t minimum_lifetime = 0;  // seconds, of the ticket of a handshake that begins
    bool is_further = false;            // nobody asks for the facts
};
Result<StepRequest> read_step(varlink::Call& call);
Result<std::int64_t> read_drop(varlink::Call& call);

// By a fetcher, from its parent. The call's descriptor is taken.
struct FetchRequest {
    Wanted wanted;
    UniqueFd granting;  // the ticket-granting ticket to use, sealed; absent: none was given
};
Result<FetchRequest> read_fetch(varlink::Call& call);

// What a fetcher said, in which its user may have had a hand.
struct FetcherAnswer {
    std::string principal;
    std::int64_t expires = 0;  // of the ticket-granting ticket of a cache; 0: it did not say
    UniqueFd ticket;           // absent: the KDC has to be asked
};
Result<FetcherAnswer> read_fetcher_answer(varlink::Reply reply);

}  // namespace mutual::keys
