// SPDX-License-Identifier: Apache-2.0
// How contexts are made, refused and ended.
#include "plugins/oncrpc/two_ends_test.h"

namespace mutual::oncrpc {
namespace {

class Contexts : public TwoEnds {
protected:
    // The initiator's INIT, taken off the network.
    Octets init() {
        begin();
        net->start();
        net->initiator.answer_all();
        const auto records = records_of(net->initiator.network_out.take());
        return records.empty() ? Octets() : records[0];
    }
    // What the acceptor says to a message.
    wire::Reply said(const Octets& message) {
        feed(net->acceptor, record_of(message));
        said_ = records_of(net->acceptor.network_out.take());
        if (said_.size() != 1) {
            ADD_FAILURE() << said_.size() << " replies";
            return {};
        }
        return wire::read_reply(said_[0]).value();
    }
    wire::Reply said_to(wire::AuthFlavor flavor, const Octets& credential, std::string_view arguments = {}) {
        wire::XdrWriter out;
        wire::put_call(out, 5, 200001, 2, 0);
        wire::put_auth(out, flavor, credential);
        wire::put_auth(out, wire::AuthFlavor::none, {});
        out.raw(bytes_of(arguments));
        return said(out.take());
    }
    std::vector<Octets> said_;
};

TEST_F(Contexts, AreMadeBeforeTheProgramSeesAnything) {
    establish();
    EXPECT_EQ(net->initiator.events, (Events{"step 0", "step 0", "established"}));
    EXPECT_EQ(net->acceptor.events, (Events{"step 0", "admit 0 program 200001", "established"}));
}

TEST_F(Contexts, InitIsANullCallWithTheTokenAsItsArgument) {
    Octets message = init();
    auto call = wire::read_call(message);
    ASSERT_TRUE(call);
    EXPECT_EQ(call->procedure, 0U);
    EXPECT_EQ(call->program, 200001U);
    EXPECT_EQ(call->credential.flavor, wire::AuthFlavor::gss);
    EXPECT_EQ(call->verifier.flavor, wire::AuthFlavor::none);
    auto credential = wire::read_credential(call->credential.body);
    ASSERT_TRUE(credential);
    EXPECT_EQ(credential->procedure, wire::GssProcedure::init);
    EXPECT_TRUE(credential->handle.empty());
    EXPECT_EQ(text_of(*wire::read_init_token(call->arguments)), "hello 0 42 ");
}

TEST_F(Contexts, TheCompletingReplyNamesAHandleOf16OctetsAndAWindowUnderAVerifier) {
    const wire::Reply reply = said(init());
    EXPECT_EQ(reply.verifier.flavor, wire::AuthFlavor::gss);
    auto result = wire::read_init_result(reply.results);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->major, 0U);
    EXPECT_EQ(result->handle.size(), 16U);
    EXPECT_GE(result->window, 128U);
    EXPECT_EQ(text_of(result->token), "welcome 0 42 ");
}

TEST_F(Contexts, HandlesAreNeverTheSame) {
    const Octets message = init();
    const wire::Reply first = said(message);
    const Octets one(first.results.begin() + 4, first.results.begin() + 20);
    begin();
    const wire::Reply second = said(message);
    const Octets other(second.results.begin() + 4, second.results.begin() + 20);
    EXPECT_NE(one, other);
}

TEST_F(Contexts, ARefusedPeerGetsUnauthorizedAndNoToken) {
    begin();
    net->acceptor.admits = false;
    net->start();
    net->run();
    expect_end(net->acceptor, Verdict::denied, Code::denied, "no rule allows it");
    expect_end(net->initiator, Verdict::reset, Code::refused_by_peer, "GSS_S_UNAUTHORIZED");
    EXPECT_FALSE(net->initiator.is_established || net->acceptor.is_established);
}

TEST_F(Contexts, AFailedStepReturnsItsErrorToken) {
    begin();
    net->acceptor.step_error = Error(Code::wrong_peer, Stage::handshake, "no such key");
    net->acceptor.error_token = bytes_of("error token");
    const Octets message = [&] {
        net->start();
        net->initiator.answer_all();
        return records_of(net->initiator.network_out.take()).at(0);
    }();
    const wire::Reply reply = said(message);
    auto result = wire::read_init_result(reply.results);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->major >> 16, 13U);
    EXPECT_EQ(text_of(result->token), "error token");
    expect_end(net->acceptor, Verdict::unauthenticated, Code::wrong_peer, "no such key");
    // The mechanism reads it, and says why.
    net->initiator.step_error = Error(Code::clock_skew, Stage::handshake, "clocks differ");
    feed(net->initiator, record_of(said_[0]));
    expect_end(net->initiator, Verdict::reset, Code::clock_skew, "clocks differ");
}

TEST_F(Contexts, FT_078_WithoutAFlagTheInitiatorGoesNoFurther) {
    for (auto ContextFlags::*flag :
         {&ContextFlags::mutual, &ContextFlags::confidentiality, &ContextFlags::integrity}) {
        begin();
        net->initiator.flags.*flag = false;
        net->start();
        net->run();
        expect_end(net->initiator, Verdict::reset, Code::unprotected, "it lacks");
        EXPECT_FALSE(net->initiator.is_established);
    }
}

TEST_F(Contexts, FT_079_WithoutAFlagTheAcceptorGoesNoFurther) {
    for (auto ContextFlags::*flag :
         {&ContextFlags::mutual, &ContextFlags::confidentiality, &ContextFlags::integrity}) {
        begin();
        net->acceptor.flags.*flag = false;
        net->start();
        net->run();
        expect_end(net->acceptor, Verdict::reset, Code::unprotected, "it lacks");
        EXPECT_FALSE(net->acceptor.is_established || net->initiator.is_established);
    }
}

TEST_F(Contexts, APeersReplayAndSequenceFlagsAreTolerated) {
    begin();
    net->acceptor.flags.replay = net->acceptor.flags.sequence = true;
    net->start();
    net->run();
    EXPECT_TRUE(net->acceptor.is_established);
}

TEST_F(Contexts, TokensOfAlmost128KiBPass) {
    begin();
    net->initiator.token_size = net->acceptor.token_size = wire::max_init_token;
    net->start();
    net->run();
    EXPECT_TRUE(net->initiator.is_established && net->acceptor.is_established);
}

TEST_F(Contexts, AnAlteredWindowOrVerifierIsNoticed) {
    begin();
    net->start();
    net->initiator.answer_all();
    feed(net->acceptor, net->initiator.network_out.take());
    const Octets reply = net->acceptor.network_out.take();
    // The mark, xid, kind, status, flavor and the verifier's length take 24 octets.
    for (const std::size_t at : {std::size_t{26}, reply.size() - 20}) {
        FakeNetwork fresh{*transport, options_with("")};
        fresh.start();
        fresh.initiator.answer_all();
        fresh.initiator.network_out.take();
        Octets altered = reply;
        altered[at] ^= std::byte{1};
        feed(fresh.initiator, altered);
        EXPECT_FALSE(fresh.initiator.is_established) << at;
        EXPECT_EQ(fresh.initiator.ended, Verdict::reset) << at;
    }
}

TEST_F(Contexts, FT_092_CallsOfLesserFlavorsAreTooWeakBeforeAndAfter) {
    begin();
    for (int round = 0; round < 2; ++round) {
        for (const auto flavor : {wire::AuthFlavor::none, wire::AuthFlavor::sys, wire::AuthFlavor{3}}) {
            const wire::Reply reply = said_to(flavor, {}, "arguments...");
            EXPECT_EQ(reply.kind, wire::Reply::Kind::auth_error);
            EXPECT_EQ(reply.why, wire::AuthStatus::too_weak);
        }
        net->start();
        net->run();
    }
    EXPECT_TRUE(net->acceptor.is_established);
    EXPECT_EQ(net->acceptor.program_out.size(), 0U);
}

TEST_F(Contexts, HandlesThatWereNeverIssuedAreUnknown) {
    establish();
    Octets handle(16, std::byte{'x'});
    for (const auto procedure :
         {wire::GssProcedure::data, wire::GssProcedure::destroy, wire::GssProcedure::continue_init}) {
        const wire::Reply reply =
            said_to(wire::AuthFlavor::gss, wire::to_xdr({procedure, 1, wire::GssService::privacy, handle}),
                    std::string(4, '\0'));
        EXPECT_EQ(reply.why, wire::AuthStatus::gss_credential_problem);
    }
}

TEST_F(Contexts, WrongCredentialsAreRefusedAndTheConnectionGoesOn) {
    establish();
    const Octets good = wire::to_xdr({wire::GssProcedure::init, 0, wire::GssService::privacy, {}});
    for (std::size_t size = 0; size < good.size(); size += 4) {
        const Octets cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_EQ(said_to(wire::AuthFlavor::gss, cut).why, wire::AuthStatus::bad_credential);
    }
    EXPECT_EQ(exchange(9, "args", "done"), "done");
}

TEST_F(Contexts, ThatFailAreForgottenHoweverManyThereAre) {
    establish();
    const Octets init = wire::to_xdr({wire::GssProcedure::init, 0, wire::GssService::privacy, {}});
    for (ContextNumber i = 0; i < 2 * max_contexts; ++i) {
        const wire::Reply reply = said_to(wire::AuthFlavor::gss, init, std::string("\0\0\0\4nope", 8));
        ASSERT_EQ(wire::read_init_result(reply.results).value().major, 15U << 16);
        EXPECT_EQ(net->acceptor.events.back(), "discard 1");
        net->acceptor.advance(std::chrono::seconds(1));
    }
    EXPECT_EQ(exchange(9, "args", "done"), "done");
}

TEST_F(Contexts, AnEndOfTheProgramIsToldUnderProtection) {
    establish();
    EXPECT_EQ(exchange(9, "args", "done"), "done");
    net->initiator.session->program_end();
    net->run();
    EXPECT_EQ(net->acceptor.program_verdict, Verdict::authenticated);
    EXPECT_EQ(net->initiator.ended, Verdict::authenticated);
    EXPECT_EQ(net->acceptor.ended, Verdict::authenticated);
}

TEST_F(Contexts, AConnectionThatBreaksOffIsNoAuthenticatedEnd) {
    establish();
    net->initiator.session->network_end();
    net->acceptor.session->network_end();
    EXPECT_EQ(net->initiator.ended, Verdict::unauthenticated);
    EXPECT_EQ(net->acceptor.ended, Verdict::unauthenticated);
}

}  // namespace
}  // namespace mutual::oncrpc
