// SPDX-License-Identifier: Apache-2.0
#include "plugins/sockets/two_sessions_test.h"

namespace mutual::sockets {
namespace {

class Handshake : public TwoSessions {};

TEST_F(Handshake, EstablishesBothEnds) {
    establish();
    EXPECT_EQ(net.initiator.events, (Events{"step 0", "step 0", "established"}));
    EXPECT_EQ(net.acceptor.events, (Events{"step 0", "admit 0", "established"}));
}

TEST_F(Handshake, FT_083_TokensTravelInBigEndianFrames) {
    EXPECT_EQ(text_of(first_token()), std::string("\0\0\0\x0b", 4) + "hello 0 42 ");
}

TEST_F(Handshake, AcceptorHoldsItsLastTokenUntilAdmission) {
    const auto token = first_token();
    Octets room{token};
    net.acceptor.session->network_bytes(room);
    EXPECT_TRUE(net.acceptor.answer_one());
    EXPECT_EQ(net.acceptor.events, (Events{"step 0", "admit 0"}));
    EXPECT_EQ(net.acceptor.network_out.size(), 0U);
    EXPECT_TRUE(net.acceptor.answer_one());
    EXPECT_EQ(text_of(net.acceptor.network_out.take()), std::string("\0\0\0\x0d", 4) + "welcome 0 42 ");
    EXPECT_TRUE(net.acceptor.is_established);
}

TEST_F(Handshake, RefusedAdmissionSendsNoLastToken) {
    net.acceptor.admits = false;
    feed(net.acceptor, first_token());
    expect_end(net.acceptor, Verdict::denied, Code::denied, "no rule allows it");
    EXPECT_EQ(net.acceptor.network_out.size(), 0U);
    net.initiator.session->network_end();
    expect_end(net.initiator, Verdict::reset, Code::refused_by_peer, "without its last token");
    EXPECT_NE(error_of(net.initiator).hint.find("peer's log"), std::string::npos);
    EXPECT_FALSE(net.initiator.is_established || net.acceptor.is_established);
}

TEST_F(Handshake, FT_083_ATokenOfExactly128KiBPasses) {
    net.initiator.token_size = net.acceptor.token_size = 131'072;
    establish();
}

TEST_F(Handshake, FT_083_ATokenOf128KiBAndOneDoesNot) {
    net.initiator.token_size = 131'073;
    net.start();
    net.run();
    expect_end(net.acceptor, Verdict::reset, Code::protocol, "token of 131073 octets");
    EXPECT_EQ(net.acceptor.events, Events{"end reset"});
    expect_end(net.initiator, Verdict::reset, Code::refused_by_peer, "");
}

TEST_F(Handshake, FT_083_LengthZeroAndLargestLengthEndBothRoles) {
    for (const std::size_t length : {std::size_t{0}, std::size_t{0xffffffff}}) {
        FakeNetwork fresh{*transport};
        fresh.start();
        fresh.initiator.answer_all();
        feed(fresh.initiator, frame(length, ""));
        feed(fresh.acceptor, frame(length, ""));
        expect_end(fresh.initiator, Verdict::reset, Code::protocol, "announced a token of");
        expect_end(fresh.acceptor, Verdict::reset, Code::protocol, "announced a token of");
    }
}

TEST_F(Handshake, FT_078_InitiatorRefusesAContextWithoutAFlag) {
    for (auto ContextFlags::*flag : {&ContextFlags::mutual, &ContextFlags::confidentiality,
                                     &ContextFlags::integrity, &ContextFlags::sequence}) {
        FakeNetwork fresh{*transport};
        fresh.initiator.flags.*flag = false;
        fresh.start();
        fresh.run();
        expect_end(fresh.initiator, Verdict::reset, Code::unprotected, "it lacks");
        EXPECT_EQ(fresh.initiator.events, (Events{"step 0", "step 0", "end reset"}));
    }
}

TEST_F(Handshake, FT_079_AcceptorRefusesAContextWithoutMutualAuthentication) {
    net.acceptor.flags.mutual = false;
    net.start();
    net.run();
    expect_end(net.acceptor, Verdict::reset, Code::unprotected, "it lacks mutual");
    EXPECT_EQ(net.acceptor.events, (Events{"step 0", "end reset"}));
    EXPECT_EQ(error_of(net.initiator).code, Code::refused_by_peer);
}

TEST_F(Handshake, FT_079_EveryMissingFlagIsNamed) {
    net.acceptor.flags = {};
    feed(net.acceptor, first_token());
    expect_end(net.acceptor, Verdict::reset, Code::unprotected,
               "lacks mutual, confidentiality, integrity, sequence");
}

TEST_F(Handshake, ReplayDetectionAloneMayBeMissing) {
    net.acceptor.flags.replay = net.initiator.flags.replay = false;
    establish();
}

TEST_F(Handshake, FT_080_FlagsAreJudgedOnlyWhenTheContextIsComplete) {
    net.initiator.flags = {};
    const auto token = first_token();
    EXPECT_FALSE(token.empty());
    EXPECT_FALSE(net.initiator.ended);
    feed(net.acceptor, token);
    feed(net.initiator, net.acceptor.network_out.take());
    expect_end(net.initiator, Verdict::reset, Code::unprotected, "it lacks");
}

TEST_F(Handshake, FT_081_AFailedStepEndsTheChannel) {
    net.acceptor.step_error = Error{Code::protocol, Stage::handshake, "accept: mechanism is not krb5"};
    feed(net.acceptor, first_token());
    expect_end(net.acceptor, Verdict::reset, Code::protocol, "mechanism is not krb5");
    EXPECT_EQ(net.acceptor.events, (Events{"step 0", "end reset"}));
}

TEST_F(Handshake, AnErrorTokenIsWrittenBeforeTheEnd) {
    net.acceptor.step_error = Error{Code::clock_skew, Stage::handshake, "accept: clock skew too great"};
    net.acceptor.error_token = bytes_of("krb error");
    feed(net.acceptor, first_token());
    expect_end(net.acceptor, Verdict::unauthenticated, Code::clock_skew, "clock skew");
    EXPECT_EQ(net.acceptor.network_out.take(), frame("krb error"));
}

TEST_F(Handshake, AnErrorTokenFromThePeerIsStepped) {
    first_token();
    feed(net.initiator, frame("krb error"));
    expect_end(net.initiator, Verdict::reset, Code::wrong_peer, "token is not valid");
}

TEST_F(Handshake, AStepThatGivesNothingIsADefect) {
    net.initiator.session->start();
    net.initiator.session->stepped(0, {});
    expect_end(net.initiator, Verdict::reset, Code::internal, "neither a token nor a complete context");
}

TEST_F(Handshake, AnswersNobodyAskedForAreIgnored) {
    net.acceptor.session->stepped(0, {});
    net.acceptor.session->admitted(0, {true, std::nullopt});
    net.initiator.session->start();
    net.initiator.session->stepped(7, {});
    net.initiator.session->admitted(0, {true, std::nullopt});
    EXPECT_EQ(net.acceptor.events, Events{});
    EXPECT_EQ(net.initiator.events, Events{"step 0"});
}

}  // namespace
}  // namespace mutual::sockets
