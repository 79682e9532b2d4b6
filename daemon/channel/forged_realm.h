// SPDX-License-Identifier: Apache-2.0
// For tests: real Kerberos contexts without a KDC. The realm's only service key is made here, so a ticket for
// it can be, too. Everything is in memory and takes a millisecond.
#pragma once

#include <gssapi/gssapi.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mutual/transport.h"
#include "varlink/unique_fd.h"

namespace mutual::channel::testing {

inline constexpr const char* client_principal = "alice@FORGED.TEST";
inline constexpr const char* service_principal = "ledger/one.forged.test@FORGED.TEST";

using Token = std::vector<std::byte>;

// One side of a handshake.
class Handshake {
public:
    Handshake(Role role, gss_cred_id_t credential) : role_(role), credential_(credential) {}
    Handshake(const Handshake&) = delete;
    Handshake& operator=(const Handshake&) = delete;
    ~Handshake();

    struct Answer {
        Token token;
        bool done = false;
        bool failed = false;
        ContextFlags flags;
    };
    Answer step(const Token& token);
    gss_ctx_id_t context() const { return context_; }
    UniqueFd exported();  // in a sealed memory file; the context is gone afterwards

private:
    Role role_;
    gss_cred_id_t credential_;
    gss_ctx_id_t context_ = GSS_C_NO_CONTEXT;
};

class ForgedRealm {
public:
    // Tickets live that long from now.
    explicit ForgedRealm(std::chrono::seconds lifetime = std::chrono::hours(1));
    ForgedRealm(const ForgedRealm&) = delete;
    ForgedRealm& operator=(const ForgedRealm&) = delete;
    ~ForgedRealm();

    std::unique_ptr<Handshake> handshake(Role role) const;
    ContextFacts facts() const;
    // Both ends of one established context: initiator, acceptor.
    std::pair<std::unique_ptr<Handshake>, std::unique_ptr<Handshake>> established() const;

private:
    std::chrono::system_clock::time_point expires_;
    gss_cred_id_t initiator_ = GSS_C_NO_CREDENTIAL;
    gss_cred_id_t acceptor_ = GSS_C_NO_CREDENTIAL;
};

// A memory file that nobody can change any more.
UniqueFd sealed_memory(Bytes content);

}  // namespace mutual::channel::testing
