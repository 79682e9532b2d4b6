// SPDX-License-Identifier: Apache-2.0
// Two hosts with a network between them, which cuts the streams as the test says and lets it tamper with
// them.
#pragma once

#include "tests/fakes/host.h"

namespace mutual::fakes {

class FakeNetwork {
public:
    explicit FakeNetwork(Transport& transport, std::string options = {});

    void start();
    // Carries octets, ends and answers to and fro until nothing moves. `piece`: most octets in one
    // network_bytes().
    void run(std::size_t piece = 64 * 1024);
    // Both directions, once they are established.
    void send(FakeHost& from, std::string_view text) const;

    std::string received(FakeHost& at) const { return text_of(at.program_out.take()); }

    FakeHost initiator{Role::initiator};
    FakeHost acceptor{Role::acceptor};

private:
    bool carry(FakeHost& from, FakeHost& to, std::size_t piece, bool& end_shown) const;

    std::unique_ptr<Session> initiator_session_;
    std::unique_ptr<Session> acceptor_session_;
    bool initiator_end_shown_ = false;
    bool acceptor_end_shown_ = false;
};

// Passes octets in as the host's contract says: in pieces, on memory that is gone afterwards. Answers what
// the Session asks for after each piece.
void feed(FakeHost& host, Bytes octets, std::size_t piece = 64 * 1024);

}  // namespace mutual::fakes
