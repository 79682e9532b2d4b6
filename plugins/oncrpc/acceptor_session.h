// SPDX-License-Identifier: Apache-2.0
// The acceptor of wire `rpcsec_gss`: calls come under RPCSEC_GSS, and go on to the local server as plain ONC
// RPC once everything about them was verified; its replies go back under the verifier and the service of
// their calls. Several contexts may be made on one connection.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <vector>

#include "mutual/transport.h"
#include "plugins/oncrpc/rpc_options.h"
#include "wire/rpc_message.h"

namespace mutual::oncrpc {

class AcceptorSession final : public Session {
public:
    AcceptorSession(const RpcOptions& options, SessionHost& host);

    void start() override {}
    void network_bytes(MutableBytes bytes) override;
    void network_end() override;
    void program_bytes(Bytes bytes) override;
    void program_end() override;
    void stepped(ContextNumber context, StepAnswer answer) override;
    void admitted(ContextNumber context, AdmissionAnswer answer) override;
    void wake() override {}

private:
    using Handle = std::array<std::byte, 16>;
    struct Context {
        ContextNumber number = 0;
        SecurityContext* security = nullptr;
        wire::SequenceWindow window;
        std::optional<wire::GssService> service;  // that of its first call; it cannot change
        bool is_ready = false;                    // established and admitted
    };
    // A context in the making; one at a time.
    struct Making {
        Handle handle{};
        std::uint32_t xid = 0;
        bool is_owed = false;          // the reply to that call
        std::vector<std::byte> token;  // the last one, held back until admission
    };
    // A call that the server has.
    struct Pending {
        Handle handle{};
        std::uint32_t xid = 0;
        std::uint32_t sequence = 0;
        wire::GssService service = wire::GssService::privacy;
    };

    void call(MutableBytes record);
    void init(const wire::Call& call, const wire::GssCredential& credential);
    ContextNumber free_number() const;
    void forget_made();
    void data(const wire::Call& call, const wire::GssCredential& credential);
    void destroy(const Handle& handle, const Pending& pending);
    void forward(const Pending& pending, const wire::Call& call, Bytes arguments);
    void reply(MutableBytes record);
    // With the verifier of its call, and its results under its service.
    void answer(const Pending& pending, const wire::Reply& reply);
    void answer(const Pending& pending, wire::AcceptStatus status);
    void answer_init(std::uint32_t major, Bytes token);
    void deny(std::uint32_t xid, wire::AuthStatus why);
    void send(Bytes record);
    Context* find(Bytes handle, Handle& key);
    void fail(Error error);

    const RpcOptions options_;
    SessionHost& host_;
    bool is_over_ = false;
    bool is_established_ = false;
    wire::RecordReader network_;
    wire::RecordReader program_;
    std::map<Handle, Context> contexts_;
    std::optional<Making> making_;
    std::uint32_t next_xid_ = 1;
    std::map<std::uint32_t, Pending> pending_;  // by the number that the server sees
    bool was_destroyed_ = false;                // the peer's last context, by the peer
};

}  // namespace mutual::oncrpc
