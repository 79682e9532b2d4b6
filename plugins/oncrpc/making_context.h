// SPDX-License-Identifier: Apache-2.0
// The initiator's side of context creation (RFC 2203 5.2): INIT and CONTINUE_INIT, until the context is
// complete at both ends and the reply's verifier was checked.
#pragma once

#include <optional>
#include <vector>

#include "mutual/transport.h"
#include "plugins/oncrpc/rpc_options.h"
#include "wire/rpc_message.h"

namespace mutual::oncrpc {

// A context that calls can be made under.
struct InitiatorContext {
    ContextNumber number = 0;
    SecurityContext* security = nullptr;
    std::vector<std::byte> handle;
    std::uint32_t window = 0;
    std::uint32_t next_sequence = 1;
    std::size_t in_flight = 0;
    bool is_lost = false;  // the peer knows it no more
};

// Why the peer did not do what it was asked for; it says so without any proof.
Error denial(Stage stage, const wire::Reply& reply);

class MakingContext {
public:
    // Nothing: more is to come. An error: there will be none.
    using Outcome = Result<std::optional<InitiatorContext>>;

    MakingContext(ContextNumber number, const RpcOptions& options, SessionHost& host)
        : options_(options), host_(host), number_(number) {}

    // With the ticket that is there, or with one that lasts longer.
    void start(bool renews) { renews ? host_.renew(number_) : host_.step(number_, {}); }
    // `xid`: of the call that it may make.
    Outcome stepped(StepAnswer answer, std::uint32_t xid);
    // The call whose reply it waits for; 0: none.
    std::uint32_t awaited() const { return awaited_; }
    Outcome replied(const wire::Reply& reply);

    ContextNumber number() const { return number_; }

private:
    Outcome send(Bytes token, std::uint32_t xid);
    Outcome refused(const wire::InitResult& result);
    Outcome complete();

    const RpcOptions& options_;
    SessionHost& host_;
    const ContextNumber number_;
    SecurityContext* security_ = nullptr;
    std::vector<std::byte> handle_;
    std::vector<std::byte> verifier_;  // of the reply that completes it, until it can be checked
    std::uint32_t window_ = 0;
    std::uint32_t awaited_ = 0;
    bool is_refused_ = false;  // by the peer, whose error token is with the mechanism, to learn why
};

}  // namespace mutual::oncrpc
