// SPDX-License-Identifier: Apache-2.0
// Peers that do not get through a handshake: cut off, too early, or speaking something else.
#include "plugins/sockets/two_sessions_test.h"

namespace mutual::sockets {
namespace {

class BadPeer : public TwoSessions {};

TEST_F(BadPeer, ClosesBeforeItsLastToken) {
    first_token();
    net.initiator.session->network_end();
    expect_end(net.initiator, Verdict::reset, Code::refused_by_peer, "without its last token");
    net.acceptor.session->network_end();
    expect_end(net.acceptor, Verdict::reset, Code::protocol, "before the handshake was complete");
}

TEST_F(BadPeer, ClosesBeforeOurFirstToken) {
    net.initiator.session->start();
    net.initiator.session->network_end();
    EXPECT_FALSE(net.initiator.ended);
    net.initiator.answer_all();
    expect_end(net.initiator, Verdict::reset, Code::refused_by_peer, "without its last token");
}

TEST_F(BadPeer, FT_084_ClosesWithinAToken) {
    const auto token = first_token();
    for (std::size_t size = 1; size < token.size(); ++size) {
        FakeNetwork fresh{*transport};
        fresh.start();
        fresh.initiator.answer_all();
        feed(fresh.acceptor, Bytes{token}.first(size));
        feed(fresh.initiator, Bytes{token}.first(size));
        fresh.acceptor.session->network_end();
        fresh.initiator.session->network_end();
        expect_end(fresh.acceptor, Verdict::reset, Code::protocol, "connection ended within a token");
        expect_end(fresh.initiator, Verdict::reset, Code::protocol, "connection ended within a token");
    }
}

TEST_F(BadPeer, ClosesWhileAdmissionIsDecided) {
    auto token = first_token();
    net.acceptor.session->network_bytes(token);
    EXPECT_TRUE(net.acceptor.answer_one());
    net.acceptor.session->network_end();
    expect_end(net.acceptor, Verdict::reset, Code::protocol, "before the handshake was complete");
    net.acceptor.session->admitted(0, {true, std::nullopt});
    EXPECT_EQ(net.acceptor.network_out.size(), 0U);
}

TEST_F(BadPeer, InitiatorSendsMoreThanItsToken) {
    auto octets = first_token();
    octets.push_back(std::byte{0});
    feed(net.acceptor, octets);
    expect_end(net.acceptor, Verdict::reset, Code::protocol,
               "peer sent data before the handshake was complete");
    EXPECT_EQ(net.acceptor.events, (Events{"step 0", "end reset"}));
}

TEST_F(BadPeer, InitiatorSendsDataDuringAdmission) {
    auto token = first_token();
    net.acceptor.session->network_bytes(token);
    EXPECT_TRUE(net.acceptor.answer_one());
    auto more = frame("more");
    net.acceptor.session->network_bytes(more);
    expect_end(net.acceptor, Verdict::reset, Code::protocol,
               "peer sent data before the handshake was complete");
    EXPECT_EQ(net.acceptor.network_out.size(), 0U);
}

TEST_F(BadPeer, AcceptorSpeaksFirst) {
    net.initiator.session->start();
    auto octets = frame("welcome 0 42 ");
    net.initiator.session->network_bytes(octets);
    net.initiator.answer_all();
    expect_end(net.initiator, Verdict::reset, Code::protocol,
               "peer sent data before the handshake was complete");
    EXPECT_EQ(net.initiator.network_out.size(), 0U);
}

TEST_F(BadPeer, AcceptorFloodsWhileAStepIsUnderWay) {
    first_token();
    auto octets = frame("welcome 0 42 ");
    net.initiator.session->network_bytes(octets);
    for (int i = 0; i < 3; ++i) {
        Octets flood(64 * 1024);
        net.initiator.session->network_bytes(flood);
    }
    expect_end(net.initiator, Verdict::reset, Code::limit, "too much before the handshake was complete");
}

TEST_F(BadPeer, FT_085_SpeaksPlaintextBeforeOrAfterOurToken) {
    for (const bool before : {true, false}) {
        FakeNetwork fresh{*transport};
        fresh.start();
        if (!before) fresh.initiator.answer_all();
        auto banner = bytes_of("SSH-2.0-OpenSSH_9.2\r\n");
        fresh.initiator.session->network_bytes(banner);
        fresh.initiator.answer_all();
        expect_end(
            fresh.initiator, Verdict::reset, Code::protocol,
            "peer does not speak wire gss: announced a token of 1397966893 octets (first octets \"SSH-\")");
        EXPECT_NE(error_of(fresh.initiator).hint.find("plaintext"), std::string::npos);
    }
}

TEST_F(BadPeer, FT_085_PlaintextClientGetsNoByte) {
    feed(net.acceptor, bytes_of("GET / HTTP/1.1\r\n\r\n"));
    expect_end(net.acceptor, Verdict::reset, Code::protocol, "(first octets \"GET \")");
    EXPECT_EQ(net.acceptor.network_out.size(), 0U);
}

TEST_F(BadPeer, FT_078_HandsGarbageForALastToken) {
    first_token();
    feed(net.initiator, frame("welcome 0 43 "));
    expect_end(net.initiator, Verdict::reset, Code::wrong_peer, "");
    EXPECT_FALSE(net.initiator.is_established);
}

TEST_F(BadPeer, NothingIsHeardAfterTheEnd) {
    feed(net.acceptor, frame(0, ""));
    auto more = first_token();
    net.acceptor.session->network_bytes(more);
    net.acceptor.session->network_end();
    net.acceptor.session->program_bytes(more);
    net.acceptor.session->program_end();
    net.acceptor.session->wake();
    EXPECT_EQ(net.acceptor.events, Events{"end reset"});
}

}  // namespace
}  // namespace mutual::sockets
