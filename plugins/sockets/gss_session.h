// SPDX-License-Identifier: Apache-2.0
// One channel of wire `gss`: handshake tokens in frames, the initiator first; then records until each side
// has said, under protection, that it will send no more. Both roles, and both dialects: in `cli` an empty
// record says so, in `libknc` it announces a command, and one of these says so.
//
// A failed handshake ends with `unauthenticated` where an error token for the peer is still to be written,
// else with `reset`: no program has seen anything of it in either case.
#pragma once

#include <optional>
#include <vector>

#include "mutual/transport.h"
#include "wire/gss_frame.h"

namespace mutual::sockets {

enum class Dialect : std::uint8_t { cli, libknc };

class GssSession final : public Session {
public:
    GssSession(Role role, Dialect dialect, SessionHost& host) : role_(role), dialect_(dialect), host_(host) {}

    void start() override;
    void network_bytes(MutableBytes bytes) override;
    void network_end() override;
    void program_bytes(Bytes bytes) override;
    void program_end() override;
    void stepped(ContextNumber context, StepAnswer answer) override;
    void admitted(ContextNumber context, AdmissionAnswer answer) override;
    void wake() override {}

private:
    enum class Phase : std::uint8_t {
        receiving,  // a token of the peer is awaited
        stepping,   // the answer to a step is awaited
        admitting,  // the answer to admit() is awaited
        open,       // records
        over,       // end() was called
    };

    void handshake_bytes(MutableBytes bytes);
    void step(Bytes token);
    void keep_early(Bytes bytes);
    Error early_fault();
    void handshake_cut();
    void step_failed(StepAnswer& answer);
    void continue_handshake(const StepAnswer& answer);
    void completed(StepAnswer& answer);
    bool send_token(Bytes token);
    void open();

    void record_bytes(MutableBytes bytes);
    void record(MutableBytes sealed);
    void deliver(Bytes plaintext);
    void command(Bytes body);
    void say_end_of_stream();
    void say_command(Bytes body);
    void peer_finished(Verdict verdict);
    void record_stream_ended();
    void end_if_both_finished();

    void fail(Error error);

    const Role role_;
    const Dialect dialect_;
    SessionHost& host_;
    Phase phase_ = Phase::receiving;
    wire::FrameReader reader_;
    SecurityContext* context_ = nullptr;
    std::vector<std::byte> last_token_;  // acceptor: held back until admission
    std::vector<std::byte> early_;       // initiator: what followed a token while its step was under way
    bool network_ended_ = false;
    bool program_ended_ = false;       // or we have said so for it
    bool command_follows_ = false;     // libknc: the next record is one
    bool peer_reads_no_more_ = false;  // libknc
    std::optional<Verdict> peer_end_;
};

}  // namespace mutual::sockets
