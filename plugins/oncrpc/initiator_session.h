// SPDX-License-Identifier: Apache-2.0
// The initiator of wire `rpcsec_gss`: the program speaks plain ONC RPC, whose calls go out under RPCSEC_GSS
// and whose replies come back verified. Calls have numbers of our own on the network, so that the program's
// may be what they like. A context is replaced before its ticket ends, and when the peer knows it no more;
// then a call that the peer refused for that is made again, once, as RFC 2203 has it. A program's end of
// stream becomes DESTROY once its last call is answered; the verified answer to that is the peer's
// authenticated end.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "mutual/transport.h"
#include "plugins/oncrpc/making_context.h"
#include "plugins/oncrpc/rpc_options.h"
#include "wire/rpc_message.h"

namespace mutual::oncrpc {

class InitiatorSession final : public Session {
public:
    InitiatorSession(RpcOptions options, SessionHost& host);

    void start() override { make_context(false); }
    void network_bytes(MutableBytes bytes) override;
    void network_end() override;
    void program_bytes(Bytes bytes) override;
    void program_end() override;
    void stepped(ContextNumber context, StepAnswer answer) override;
    void admitted(ContextNumber, AdmissionAnswer) override {}
    void wake() override;
    std::size_t largest_output() const override;

private:
    using Octets = std::vector<std::byte>;
    enum class Phase : std::uint8_t { handshake, open, over };
    // A call of the program's that could not go out yet.
    struct Waiting {
        Octets record;
        bool is_repeat = false;
    };
    // A call that is on its way.
    struct Pending {
        std::uint32_t program_xid = 0;
        std::uint32_t sequence = 0;
        ContextNumber context = 0;
        bool is_destroy = false;
        bool is_repeat = false;
        Octets record;  // the program's, to be made again; empty where there was no room for it
    };

    // Contexts
    void make_context(bool renews);
    void made(MakingContext::Outcome outcome);
    void not_made(Error error);
    void schedule();
    void retire(InitiatorContext& context);
    void lose(const Pending& pending);
    void send_destroy(InitiatorContext& context);
    // Calls
    void call(MutableBytes record, bool is_repeat);
    void answer_here(const wire::Call& call, wire::AcceptStatus status);
    void refuse_here(std::uint32_t xid, wire::AuthStatus why);
    bool may_call() const;
    void wait(Waiting call);
    void call_those_waiting();
    void send_call(InitiatorContext& context, const wire::Call& call, Pending pending);
    Result<void> put_call(const InitiatorContext& context, const wire::Call& call, const Pending& pending,
                          std::uint32_t xid);
    // Replies
    void reply(MutableBytes record);
    void accepted(const Pending& pending, const wire::Reply& reply);
    void denied(Pending pending, const wire::Reply& reply);
    void deliver(Bytes record);
    void end_if_done();
    void end_unproven();
    void fail(Error error);

    const RpcOptions options_;
    SessionHost& host_;
    Phase phase_ = Phase::handshake;
    wire::RecordReader network_;
    wire::RecordReader program_;
    std::optional<MakingContext> making_;
    std::map<ContextNumber, InitiatorContext> contexts_;
    InitiatorContext* current_ = nullptr;  // the newest; null: calls wait for one
    std::chrono::seconds pause_{0};        // before a context is tried again
    Instant not_before_{};
    std::uint32_t next_xid_ = 1;
    std::unordered_map<std::uint32_t, Pending> pending_;  // by the number on the network
    std::size_t destroys_ = 0;                            // of them
    std::size_t kept_ = 0;                                // octets of their records
    std::deque<Waiting> waiting_;
    bool is_held_ = false;
    bool program_ended_ = false;
    std::optional<Instant> end_by_;  // the last DESTROY is on its way; so long its answer may take
    std::uint32_t losses_ = 0;       // contexts that the peer forgot, one after the other
};

}  // namespace mutual::oncrpc
