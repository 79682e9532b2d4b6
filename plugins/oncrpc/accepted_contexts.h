// SPDX-License-Identifier: Apache-2.0
// The acceptor's side of context creation (RFC 2203 5.2) and the contexts that came of it, by the handles
// that were given to the peer. The first one is admitted; further ones are of the same peer, or refused.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mutual/transport.h"
#include "plugins/oncrpc/rpc_options.h"
#include "wire/rpc_message.h"

namespace mutual::oncrpc {

using Handle = std::array<std::byte, 16>;

struct AcceptedContext {
    ContextNumber number = 0;
    SecurityContext* security = nullptr;
    wire::SequenceWindow window;
    std::optional<wire::GssService> service;  // that of its first call; it cannot change
    bool is_ready = false;                    // established and admitted
};

class AcceptedContexts {
public:
    AcceptedContexts(const RpcOptions& options, SessionHost& host) : options_(options), host_(host) {}

    // The peer's call of INIT or CONTINUE_INIT. Errors: limit, of the outlet.
    Result<void> init(const wire::Call& call, const wire::GssCredential& credential);

    // What the peer is told goes out from here; what follows for the channel is answered.
    struct Outcome {
        bool is_ready = false;           // a context more
        std::optional<Verdict> refused;  // the only one
        std::optional<Error> error;      // why
    };
    Outcome stepped(ContextNumber number, StepAnswer answer);
    Outcome admitted(ContextNumber number, AdmissionAnswer answer);

    // Null: there is none of that handle.
    AcceptedContext* find(Bytes handle);
    static Handle key_of(Bytes handle);
    AcceptedContext* find(const Handle& handle);
    // One that is ready.
    void destroy(const Handle& handle);
    bool any_ready() const { return ready_ > 0; }
    // The principal that was admitted.
    const std::string& peer() const { return *peer_; }

private:
    // One at a time.
    struct Making {
        Handle handle{};
        std::uint32_t xid = 0;
        bool is_owed = false;          // the reply to that call
        std::vector<std::byte> token;  // the last one, held back until admission
    };

    ContextNumber free_number() const;
    bool is_making(ContextNumber number) const;
    bool may_make();
    void forget_expired();
    Outcome refuse(std::uint32_t major, Bytes token, Verdict verdict, std::optional<Error> error);
    Outcome ready();
    Result<void> answer(std::uint32_t major, Bytes token);
    Result<void> deny(std::uint32_t xid, wire::AuthStatus why);
    Result<void> check_name(const ContextFacts& facts) const;

    const RpcOptions& options_;
    SessionHost& host_;
    std::map<Handle, AcceptedContext> contexts_;
    std::optional<Making> making_;
    std::size_t ready_ = 0;
    Instant earliest_ = Instant::min();  // the next is made no sooner, but for some at once
    std::optional<std::string> peer_;    // that was admitted
};

}  // namespace mutual::oncrpc
