// SPDX-License-Identifier: Apache-2.0
// Calls and replies under a context.
#include "plugins/oncrpc/two_ends_test.h"

namespace mutual::oncrpc {
namespace {

class Calls : public TwoEnds {
protected:
    // The record of a call, taken off the network.
    Octets sent(std::uint32_t xid, std::string_view arguments) {
        net->initiator.session->program_bytes(plain_call(xid, arguments));
        return records_of(net->initiator.network_out.take()).at(0);
    }
    std::vector<Octets> answers_to(const Octets& message) {
        feed(net->acceptor, record_of(message));
        return records_of(net->acceptor.network_out.take());
    }
    wire::AuthStatus denial_of(const Octets& message) {
        auto answers = answers_to(message);
        if (answers.size() != 1) return {};
        const auto reply = wire::read_reply(answers[0]);
        return reply && reply->kind == wire::Reply::Kind::auth_error ? reply->why : wire::AuthStatus{};
    }
    // A call that the initiator's own Session would not make, genuine in all else.
    Octets call_under(wire::GssService service, std::uint32_t sequence) {
        Octets model = sent(7, "args");
        const auto read = wire::read_call(model);
        const auto credential = wire::read_credential(read.value().credential.body);
        auto& context = *net->initiator.contexts.at(0);
        wire::XdrWriter out;
        wire::put_call(out, 7, 200001, 2, 1);
        wire::put_auth(
            out, wire::AuthFlavor::gss,
            wire::to_xdr({wire::GssProcedure::data, sequence, service, credential.value().handle}));
        wire::put_auth(out, wire::AuthFlavor::gss, context.mic(out.view()).value());
        EXPECT_TRUE(wire::put_protected(out, context, service, sequence, bytes_of("args")));
        return out.take();
    }
    std::size_t heard_calls() { return calls().size(); }
};

TEST_F(Calls, FT_087_PassUnderEveryServiceInEveryLength) {
    for (const char* service : {"none", "integrity", "privacy"}) {
        establish(R"(,"service":")" + std::string(service) + '"');
        std::uint32_t xid = 100;
        for (const std::size_t size : {0U, 4U, 1000U, 65'536U, 900'000U}) {
            const std::string arguments(size, 'a'), results(size, 'r');
            EXPECT_EQ(exchange(++xid, arguments, results), results) << service << ' ' << size;
        }
    }
}

TEST_F(Calls, FT_085_PrivacyShowsNeitherArgumentsNorResults) {
    establish();
    const Octets call = sent(7, "secret arguments");
    EXPECT_EQ(text_of(call).find("secret"), std::string::npos);
    feed(net->acceptor, record_of(call));
    net->acceptor.session->program_bytes(plain_reply(calls().at(0).xid, "secret results.."));
    EXPECT_EQ(text_of(net->acceptor.network_out.take()).find("secret"), std::string::npos);
}

TEST_F(Calls, ManyAreUnderWayAndAnsweredInAnyOrder) {
    establish();
    for (const std::uint32_t xid : {7U, 7U, 8U, 0U})
        net->initiator.session->program_bytes(plain_call(xid, "args"));
    net->run();
    const auto there = calls();
    ASSERT_EQ(there.size(), 4U);
    for (const std::size_t i : {2U, 0U, 3U, 1U})
        net->acceptor.session->program_bytes(plain_reply(there[i].xid, "res" + std::to_string(i)));
    net->run();
    const auto here = replies();
    ASSERT_EQ(here.size(), 4U);
    const std::vector<std::pair<std::uint32_t, std::string>> expected{
        {8, "res2"}, {7, "res0"}, {0, "res3"}, {7, "res1"}};
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(here[i].xid, expected[i].first);
        EXPECT_EQ(text_of(here[i].results), expected[i].second);
    }
}

TEST_F(Calls, AnyCutOfBothStreamsWillDo) {
    for (const std::size_t piece : {1U, 3U, 50U}) {
        begin();
        net->start();
        net->run(piece);
        const Octets call = plain_call(7, "arguments...");
        for (std::size_t at = 0; at < call.size(); at += piece)
            net->initiator.session->program_bytes(
                Bytes(call).subspan(at, std::min<std::size_t>(piece, call.size() - at)));
        net->run(piece);
        const auto there = calls();
        ASSERT_EQ(there.size(), 1U);
        EXPECT_EQ(text_of(there[0].arguments), "arguments...");
    }
}

TEST_F(Calls, OfAnotherProgramOrVersionAreAnsweredHere) {
    establish();
    net->initiator.session->program_bytes(plain_call(1, "args", 1, 200002, 2));
    net->initiator.session->program_bytes(plain_call(2, "args", 1, 200001, 3));
    net->initiator.session->program_bytes(plain_call(3, "args", 1, 200001, 2, wire::AuthFlavor::gss));
    EXPECT_EQ(net->initiator.network_out.size(), 0U);
    const auto here = replies();
    ASSERT_EQ(here.size(), 3U);
    EXPECT_EQ(here[0].status, wire::AcceptStatus::program_unavailable);
    EXPECT_EQ(here[1].status, wire::AcceptStatus::program_mismatch);
    EXPECT_EQ(here[1].low, 2U);
    EXPECT_EQ(here[1].high, 2U);
    EXPECT_EQ(here[2].why, wire::AuthStatus::rejected_credential);
}

TEST_F(Calls, WhatTheProgramSaysOfItselfIsNotPassedOn) {
    begin();
    net->acceptor.stamp = 0x01020304;
    net->acceptor.peer = "alice@MUTUAL.TEST";
    net->acceptor.acts_as = LocalUser{1000, 100, {4, 24}};
    net->start();
    net->run();
    net->initiator.session->program_bytes(plain_call(1, "args", 1, 200001, 2, wire::AuthFlavor::sys));
    net->run();
    const auto there = calls();
    ASSERT_EQ(there.size(), 1U);
    EXPECT_EQ(there[0].credential.flavor, wire::AuthFlavor::sys);
    EXPECT_EQ(there[0].verifier.flavor, wire::AuthFlavor::none);
    wire::XdrReader sys(there[0].credential.body);
    EXPECT_EQ(sys.number(), 0x01020304U);
    EXPECT_EQ(text_of(sys.opaque(255)), "alice@MUTUAL.TEST");
    EXPECT_EQ(sys.number(), 1000U);
    EXPECT_EQ(sys.number(), 100U);
    EXPECT_EQ(sys.number(), 2U);
    EXPECT_EQ(sys.number(), 4U);
    EXPECT_EQ(sys.number(), 24U);
    EXPECT_TRUE(sys.is_at_end());
}

TEST_F(Calls, APeerWithoutAMappingIsNobody) {
    establish();
    net->initiator.session->program_bytes(plain_call(1, "args"));
    net->run();
    const auto there = calls();
    ASSERT_EQ(there.size(), 1U);
    wire::XdrReader sys(there[0].credential.body);
    sys.number();
    sys.opaque(255);
    EXPECT_EQ(sys.number(), 65534U);
    EXPECT_EQ(sys.number(), 65534U);
    EXPECT_EQ(sys.number(), 0U);
}

TEST_F(Calls, TheServerIsToldNothingWhereTheServiceSaysSo) {
    establish(R"(,"credential":"none")");
    net->initiator.session->program_bytes(plain_call(1, "args"));
    net->run();
    const auto there = calls();
    ASSERT_EQ(there.size(), 1U);
    EXPECT_EQ(there[0].credential.flavor, wire::AuthFlavor::none);
    EXPECT_TRUE(there[0].credential.body.empty());
}

TEST_F(Calls, AreCountedAtBothEnds) {
    establish();
    EXPECT_EQ(exchange(1, "args", "done"), "done");
    EXPECT_EQ(exchange(2, "args", "done"), "done");
    EXPECT_EQ(net->initiator.calls, 2U);
    EXPECT_EQ(net->acceptor.calls, 2U);
}

TEST_F(Calls, NoMoreAreUnderWayThanThePeersWindowHolds) {
    establish();
    for (std::uint32_t xid = 0; xid < wire::SequenceWindow::size; ++xid)
        net->initiator.session->program_bytes(plain_call(xid, "args"));
    EXPECT_FALSE(net->initiator.program_held);
    net->initiator.session->program_bytes(plain_call(999, "last"));
    EXPECT_TRUE(net->initiator.program_held);
    net->run();
    auto there = calls();
    ASSERT_EQ(there.size(), wire::SequenceWindow::size);
    net->acceptor.session->program_bytes(plain_reply(there[3].xid, "done"));
    net->run();
    EXPECT_FALSE(net->initiator.program_held);
    there = calls();
    ASSERT_EQ(there.size(), 1U);
    EXPECT_EQ(text_of(there[0].arguments), "last");
}

TEST_F(Calls, TheServersStatusReachesTheProgram) {
    establish();
    for (const auto status :
         {wire::AcceptStatus::program_unavailable, wire::AcceptStatus::procedure_unavailable,
          wire::AcceptStatus::garbage_arguments, wire::AcceptStatus::system_error}) {
        net->initiator.session->program_bytes(plain_call(1, "args"));
        net->run();
        net->acceptor.session->program_bytes(plain_reply(calls().at(0).xid, "", status));
        net->run();
        EXPECT_EQ(replies().at(0).status, status);
    }
}

TEST_F(Calls, FT_086_ARepeatedCallIsDroppedWithoutAWord) {
    establish();
    const Octets call = sent(7, "args");
    EXPECT_TRUE(answers_to(call).empty());
    EXPECT_EQ(heard_calls(), 1U);
    EXPECT_TRUE(answers_to(call).empty());
    EXPECT_EQ(heard_calls(), 0U);
    EXPECT_FALSE(net->acceptor.ended);
}

TEST_F(Calls, ANumberBelowTheWindowIsDroppedWithoutAWord) {
    establish();
    const Octets old = sent(7, "args");
    for (std::uint32_t i = 0; i < wire::SequenceWindow::size; ++i)
        EXPECT_EQ(exchange(8, "args", "done"), "done");
    EXPECT_TRUE(answers_to(old).empty());
    EXPECT_EQ(heard_calls(), 0U);
}

// Else whoever can write to the connection could shut the peer out.
TEST_F(Calls, OnlyAGoodVerifierMovesTheWindow) {
    establish();
    Octets forged = sent(7, "args");
    // The sequence number: behind six words of the call's, and flavor, length, version and procedure.
    forged.at(43) ^= std::byte{0x40};
    EXPECT_EQ(denial_of(forged), wire::AuthStatus::gss_credential_problem);
    EXPECT_EQ(exchange(8, "args", "done"), "done");
}

TEST_F(Calls, FT_086_NoAlteredCallReachesTheServer) {
    // Each in a context of its own: one that came through would hide the rest behind its sequence number.
    for (std::size_t i = 0;; ++i) {
        establish();
        Octets altered = sent(7, "args");
        if (i == altered.size()) break;
        altered[i] ^= std::byte{1};
        answers_to(altered);
        for (const wire::Call& heard_call : calls()) {
            // What is altered beside the head and the body is the padding at most.
            EXPECT_EQ(text_of(heard_call.arguments), "args") << i;
            EXPECT_EQ(heard_call.procedure, 1U) << i;
        }
    }
}

TEST_F(Calls, FT_086_NoAlteredReplyReachesTheProgram) {
    for (std::size_t i = 0;; ++i) {
        establish();
        net->initiator.session->program_bytes(plain_call(7, "args"));
        net->run();
        net->acceptor.session->program_bytes(plain_reply(calls().at(0).xid, "res."));
        Octets reply = records_of(net->acceptor.network_out.take()).at(0);
        if (i == reply.size()) break;
        reply[i] ^= std::byte{1};
        feed(net->initiator, record_of(reply));
        for (const wire::Reply& told : replies()) {
            EXPECT_EQ(text_of(told.results), "res.") << i;
        }
    }
}

TEST_F(Calls, FT_094_TheServiceCannotDropWithinAContext) {
    establish(R"(,"service":"integrity")");
    EXPECT_EQ(exchange(1, "args", "done"), "done");
    for (const auto service : {wire::GssService::none, wire::GssService::privacy})
        EXPECT_EQ(denial_of(call_under(service, 100 + static_cast<std::uint32_t>(service))),
                  wire::AuthStatus::too_weak);
    EXPECT_EQ(heard_calls(), 0U);
}

TEST_F(Calls, FT_092_ALesserServiceThanTheRuleIsTooWeak) {
    establish();
    EXPECT_EQ(denial_of(call_under(wire::GssService::integrity, 50)), wire::AuthStatus::too_weak);
    EXPECT_EQ(heard_calls(), 0U);
}

TEST_F(Calls, ANumberThatIsTooHighNeedsANewContext) {
    establish();
    EXPECT_EQ(denial_of(call_under(wire::GssService::privacy, wire::max_sequence)),
              wire::AuthStatus::gss_context_problem);
}

TEST_F(Calls, RepliesWithAWrongNumberOrWithoutAVerifierEndTheChannel) {
    for (const bool has_number : {true, false}) {
        establish();
        net->initiator.session->program_bytes(plain_call(7, "args"));
        net->run();
        feed(net->initiator, plain_reply(has_number ? 2 : 99, "forged.."));
        expect_end(net->initiator, Verdict::reset, Code::protocol,
                   has_number ? "no verifier" : "not under way");
        EXPECT_EQ(net->initiator.program_out.size(), 0U);
    }
}

TEST_F(Calls, FT_083_ARecordOf4GiBEndsTheChannelByItsMarkAlone) {
    for (const bool at_initiator : {true, false}) {
        establish();
        FakeHost& host = at_initiator ? net->initiator : net->acceptor;
        feed(host, Octets(4, std::byte{0xff}));
        expect_end(host, Verdict::reset, Code::limit, "announced a record of 2147483647 octets");
    }
}

}  // namespace
}  // namespace mutual::oncrpc
