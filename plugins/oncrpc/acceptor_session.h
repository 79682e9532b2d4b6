// SPDX-License-Identifier: Apache-2.0
// The acceptor of wire `rpcsec_gss`: calls come under RPCSEC_GSS, and go on to the local server as plain ONC
// RPC once everything about them was verified, with a credential of ours; its replies go back under the
// verifier and the service of their calls.
#pragma once

#include <unordered_map>
#include <vector>

#include "mutual/transport.h"
#include "plugins/oncrpc/accepted_contexts.h"
#include "plugins/oncrpc/rpc_options.h"
#include "wire/rpc_message.h"

namespace mutual::oncrpc {

class AcceptorSession final : public Session {
public:
    AcceptorSession(RpcOptions options, SessionHost& host);

    void start() override {}
    void network_bytes(MutableBytes bytes) override;
    void network_end() override;
    void program_bytes(Bytes bytes) override;
    void program_end() override;
    void stepped(ContextNumber context, StepAnswer answer) override;
    void admitted(ContextNumber context, AdmissionAnswer answer) override;
    void wake() override {}
    std::size_t largest_output() const override;

private:
    // A call that the server has.
    struct Pending {
        Handle handle{};
        std::uint32_t xid = 0;
        std::uint32_t sequence = 0;
        wire::GssService service = wire::GssService::privacy;
    };

    void call(MutableBytes record);
    void data(const wire::Call& call, const wire::GssCredential& credential);
    void forward(const Pending& pending, const wire::Call& call, Bytes arguments);
    void destroy(const Pending& pending);
    void reply(MutableBytes record);
    // With the verifier of its call, and its results under its service.
    void answer(const Pending& pending, const wire::Reply& reply);
    void answer(const Pending& pending, wire::AcceptStatus status);
    void deny(std::uint32_t xid, wire::AuthStatus why);
    void follow(AcceptedContexts::Outcome outcome);
    void send(Bytes record);
    void fail(Error error);

    const RpcOptions options_;
    SessionHost& host_;
    bool is_over_ = false;
    bool is_established_ = false;
    wire::RecordReader network_;
    wire::RecordReader program_;
    AcceptedContexts contexts_;
    std::vector<std::byte> credential_;  // that the server gets with each call; empty: none
    std::uint32_t next_xid_ = 1;
    std::unordered_map<std::uint32_t, Pending> pending_;  // by the number that the server sees
};

}  // namespace mutual::oncrpc
