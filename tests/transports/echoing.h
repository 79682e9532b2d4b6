// SPDX-License-Identifier: Apache-2.0
// A transport that exists to show that the contract is enough for the wires to come. Its program speaks in
// lines: "PING" and "KEY" are answered here, without the network; "REKEY" (initiator) opens the next context
// and moves the channel to it; every other line goes to the peer. An idle channel is kept alive, and given
// up, by time.
//
// Frames: a length as in wire `gss`, one octet for the kind, one for the context, and the body.
#pragma once

#include <string>
#include <vector>

#include "mutual/transport.h"
#include "wire/gss_frame.h"

namespace mutual::echoing {

inline constexpr std::chrono::seconds heartbeat_interval{10};
inline constexpr std::chrono::seconds patience{30};

class EchoingSession final : public Session {
public:
    EchoingSession(Role role, SessionHost& host) : role_(role), host_(host) {}

    void start() override;
    void network_bytes(MutableBytes bytes) override;
    void network_end() override;
    void program_bytes(Bytes bytes) override;
    void program_end() override;
    void stepped(ContextNumber context, StepAnswer answer) override;
    void admitted(ContextNumber context, AdmissionAnswer answer) override;
    void wake() override;

private:
    enum class Kind : char { token = 't', data = 'd', heartbeat = 'h' };

    void frame(MutableBytes octets);
    void token(ContextNumber context, Bytes body);
    void data(MutableBytes sealed);
    void heartbeat(Bytes mic);
    void heard_under(ContextNumber context);
    void line(std::string_view text);
    void rekey();
    void renewed(ContextNumber context, const StepAnswer& answer);
    void open();

    void send(Kind kind, ContextNumber context, Bytes body);
    void send_data(Bytes plaintext);
    void tell_program(std::string_view text);
    void fail(Code code, std::string message);

    const Role role_;
    SessionHost& host_;
    wire::FrameReader reader_;
    std::vector<SecurityContext*> contexts_;  // by number; null: none
    ContextNumber sending_ = 0;               // seals what we send
    ContextNumber receiving_ = 0;             // the last one that the peer used
    std::vector<std::byte> last_token_;
    std::vector<std::byte> early_;
    std::string line_;
    Instant heard_{};
    bool open_ = false;
    bool over_ = false;
    bool program_ended_ = false;
    bool peer_ended_ = false;
};

Result<std::unique_ptr<Transport>> make_transport();

}  // namespace mutual::echoing
