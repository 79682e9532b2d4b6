// SPDX-License-Identifier: Apache-2.0
// The initiator of wire `rpcsec_gss`: the program speaks plain ONC RPC, whose calls go out under RPCSEC_GSS
// and whose replies come back verified. Calls have numbers of our own on the network, so that the program's
// may be what they like. A program's end of stream becomes DESTROY once its last call is answered; the
// verified answer to that is the peer's authenticated end.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "mutual/transport.h"
#include "plugins/oncrpc/rpc_options.h"
#include "wire/rpc_message.h"

namespace mutual::oncrpc {

class InitiatorSession final : public Session {
public:
    InitiatorSession(const RpcOptions& options, SessionHost& host);

    void start() override;
    void network_bytes(MutableBytes bytes) override;
    void network_end() override;
    void program_bytes(Bytes bytes) override;
    void program_end() override;
    void stepped(ContextNumber context, StepAnswer answer) override;
    void admitted(ContextNumber, AdmissionAnswer) override {}
    void wake() override {}

private:
    enum class Phase : std::uint8_t {
        stepping,    // the answer to a step is awaited
        refused,     // the same, with the peer's error token: only to learn why
        initiating,  // the reply to INIT or CONTINUE_INIT is awaited
        open,
        over,
    };
    // A call that is on its way.
    struct Pending {
        std::uint32_t program_xid = 0;
        std::uint32_t sequence = 0;
        bool is_destroy = false;
    };

    void send_init(Bytes token);
    void init_reply(MutableBytes record);
    void init_failed(const wire::InitResult& result);
    void established();
    void call(MutableBytes record);
    void answer_here(const wire::Call& call, wire::AcceptStatus status);
    void send_call(std::uint32_t program_xid, const wire::Call& call, wire::GssProcedure procedure);
    void reply(MutableBytes record);
    void accepted(const Pending& pending, const wire::Reply& reply);
    void deliver(Bytes record);
    void destroy_if_done();
    void fail(Error error);

    const RpcOptions options_;
    SessionHost& host_;
    Phase phase_ = Phase::stepping;
    wire::RecordReader network_;
    wire::RecordReader program_;
    SecurityContext* context_ = nullptr;
    std::vector<std::byte> handle_;
    std::vector<std::byte> verifier_;  // of the reply to INIT, until it can be checked
    std::uint32_t window_ = 0;
    std::uint32_t next_sequence_ = 1;
    std::uint32_t next_xid_ = 1;
    std::map<std::uint32_t, Pending> pending_;  // by the number on the network
    bool program_ended_ = false;
};

}  // namespace mutual::oncrpc
