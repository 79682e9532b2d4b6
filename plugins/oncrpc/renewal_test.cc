// SPDX-License-Identifier: Apache-2.0
// Several contexts on one connection: before the ticket's end, when the peer has forgotten one, and of
// another principal.
#include <algorithm>

#include "plugins/oncrpc/two_ends_test.h"

namespace mutual::oncrpc {
namespace {

using namespace std::chrono_literals;

class Renewal : public TwoEnds {
protected:
    FakeHost& here() { return net->initiator; }
    FakeHost& there() { return net->acceptor; }

    // The acceptor says that of the next call that arrives.
    void deny_next(wire::AuthStatus why) {
        auto records = records_of(here().network_out.take());
        ASSERT_EQ(records.size(), 1U);
        const auto call = wire::read_call(records[0]);
        wire::XdrWriter out;
        wire::put_auth_error(out, call.value().xid, why);
        feed(here(), record_of(out.view()));
    }
    void make_due() {
        here().renewal = here().now() + 1h;
        here().session->wake();
        here().key = 43;
        here().advance(1h);
    }
};

TEST_F(Renewal, FT_091_AContextIsReplacedBeforeItsEndAndTheOldOneDestroyed) {
    begin();
    here().renewal = here().now() + 1h;
    net->start();
    net->run();
    EXPECT_EQ(exchange(1, "args", "done"), "done");
    here().key = 43;
    here().advance(59min);
    net->run();
    EXPECT_EQ(here().contexts.size(), 1U);
    here().advance(2min);
    here().renewal = here().now() + 10h;
    net->run();
    EXPECT_EQ(here().contexts.size(), 1U);
    EXPECT_TRUE(here().contexts.contains(1));
    EXPECT_EQ(there().contexts.size(), 1U);
    EXPECT_EQ(exchange(2, "args", "done"), "done");
    here().session->program_end();
    net->run();
    EXPECT_EQ(here().ended, Verdict::authenticated);
    EXPECT_EQ(there().ended, Verdict::authenticated);
}

// There are 64 numbers.
TEST_F(Renewal, AContextMayBeReplacedAnyNumberOfTimes) {
    establish();
    for (int round = 0; round < 200; ++round) {
        here().renewal = here().now() + 1h;
        here().session->wake();
        ++here().key;
        here().advance(1h);
        there().advance(1h);
        net->run();
        ASSERT_EQ(exchange(1, "args", "done"), "done") << round;
    }
    EXPECT_EQ(there().contexts.size(), 1U);
}

TEST_F(Renewal, ACallThatIsUnderWayIsAnsweredUnderItsOwnContext) {
    establish();
    here().session->program_bytes(plain_call(7, "args"));
    net->run();
    const auto asked = calls();
    make_due();
    net->run();
    ASSERT_EQ(there().contexts.size(), 2U);
    there().contexts.at(0)->expired = true;  // it was begun in time
    there().session->program_bytes(plain_reply(asked.at(0).xid, "done"));
    net->run();
    const auto here_replies = replies();
    ASSERT_EQ(here_replies.size(), 1U);
    EXPECT_EQ(text_of(here_replies[0].results), "done");
    EXPECT_EQ(there().contexts.size(), 1U);
    EXPECT_EQ(here().contexts.size(), 1U);
}

TEST_F(Renewal, WhereItFailsTheOldContextServesOnAndItIsTriedAgainLater) {
    establish();
    here().renewal = here().now() + 1h;
    here().session->wake();
    here().step_error = Error(Code::kdc_unreachable, Stage::credentials, "no KDC answers");
    here().advance(1h);
    net->run();
    EXPECT_FALSE(here().ended);
    EXPECT_EQ(exchange(1, "args", "done"), "done");
    here().step_error = Error(Code::kdc_unreachable, Stage::credentials, "no KDC answers");
    here().advance(2s);
    net->run();
    EXPECT_EQ(exchange(2, "args", "done"), "done");
    here().key = 43;
    here().advance(3s);  // the pause has doubled
    net->run();
    EXPECT_EQ(std::ranges::count(here().events, "renew 1"), 2);
    here().advance(2s);
    here().renewal = here().now() + 10h;
    net->run();
    EXPECT_TRUE(here().contexts.contains(1));
    EXPECT_EQ(exchange(3, "args", "done"), "done");
}

TEST_F(Renewal, ACallUnderAContextThatThePeerHasForgottenIsMadeAgainUnderAnother) {
    for (const auto why : {wire::AuthStatus::gss_credential_problem, wire::AuthStatus::gss_context_problem}) {
        establish();
        here().session->program_bytes(plain_call(7, "args"));
        here().key = 43;
        deny_next(why);
        here().session->program_bytes(plain_call(8, "more"));
        EXPECT_TRUE(here().program_held);
        net->run();
        EXPECT_FALSE(here().program_held);
        const auto asked = calls();
        ASSERT_EQ(asked.size(), 2U);
        EXPECT_EQ(text_of(asked[0].arguments), "args");
        EXPECT_EQ(text_of(asked[1].arguments), "more");
        there().session->program_bytes(plain_reply(asked[0].xid, "done"));
        net->run();
        const auto told = replies();
        ASSERT_EQ(told.size(), 1U);
        EXPECT_EQ(told[0].xid, 7U);
        EXPECT_EQ(here().calls, 2U);
    }
}

TEST_F(Renewal, ACallThatIsRefusedTwiceEndsTheChannel) {
    establish();
    here().session->program_bytes(plain_call(7, "args"));
    here().key = 43;
    deny_next(wire::AuthStatus::gss_context_problem);
    here().answer_all();
    feed(there(), here().network_out.take());  // INIT
    feed(here(), there().network_out.take());
    deny_next(wire::AuthStatus::gss_context_problem);
    expect_end(here(), Verdict::reset, Code::refused_by_peer, "CTXPROBLEM");
}

TEST_F(Renewal, WithoutAnotherContextTheChannelEndsWithTheReason) {
    establish();
    here().session->program_bytes(plain_call(7, "args"));
    here().step_error = Error(Code::wrong_peer, Stage::credentials, "the cache is bob's");
    deny_next(wire::AuthStatus::gss_credential_problem);
    net->run();
    expect_end(here(), Verdict::reset, Code::wrong_peer, "the cache is bob's");
}

TEST_F(Renewal, APeerThatForgetsEachContextEndsTheChannel) {
    establish();
    for (int round = 0; round < 20 && !here().ended; ++round) {
        here().session->program_bytes(plain_call(7, "args"));
        ++here().key;
        deny_next(wire::AuthStatus::gss_context_problem);
        if (here().ended) break;
        here().answer_all();
        feed(there(), here().network_out.take());
        feed(here(), there().network_out.take());
        feed(there(), here().network_out.take());
        calls();
        replies();
        // Neither call is answered: the next one is lost in the same way.
    }
    expect_end(here(), Verdict::reset, Code::refused_by_peer, "forgets each context");
}

TEST_F(Renewal, FurtherContextsAreMadeAtAPaceOnly) {
    establish();
    const Octets init = wire::to_xdr({wire::GssProcedure::init, 0, wire::GssService::privacy, {}});
    int made = 0;
    for (int i = 0; i < 100; ++i) {
        wire::XdrWriter out;
        wire::put_call(out, 5, 200001, 2, 0);
        wire::put_auth(out, wire::AuthFlavor::gss, init);
        wire::put_auth(out, wire::AuthFlavor::none, {});
        out.opaque(bytes_of("nonsense"));
        feed(there(), record_of(out.view()));
        auto answers = records_of(there().network_out.take());
        ASSERT_EQ(answers.size(), 1U);
        made += wire::read_reply(answers[0]).value().kind == wire::Reply::Kind::accepted ? 1 : 0;
    }
    EXPECT_LE(made, 17);
    EXPECT_GE(made, 8);
    EXPECT_EQ(exchange(1, "args", "done"), "done");
}

TEST_F(Renewal, AnEndThatThePeerNeverAnswersIsAnEndAllTheSame) {
    establish();
    here().session->program_end();
    here().network_out.take();
    EXPECT_FALSE(here().ended);
    here().advance(2s);
    EXPECT_EQ(here().ended, Verdict::unauthenticated);
}

TEST_F(Renewal, AnyOtherDenialEndsTheChannel) {
    establish();
    here().session->program_bytes(plain_call(7, "args"));
    deny_next(wire::AuthStatus::too_weak);
    expect_end(here(), Verdict::reset, Code::refused_by_peer, "TOOWEAK");
}

TEST_F(Renewal, AContextOfAnotherPrincipalIsRefusedInInit) {
    establish();
    there().step_error = Error(Code::wrong_peer, Stage::handshake, "of bob");
    make_due();
    net->run();
    EXPECT_FALSE(there().ended);
    EXPECT_EQ(there().contexts.size(), 1U);
    EXPECT_EQ(exchange(1, "args", "done"), "done");
}

TEST_F(Renewal, FurtherContextsAreNotAdmittedAnew) {
    establish();
    make_due();
    net->run();
    EXPECT_EQ(std::ranges::count(there().events, "admit 0 program 200001"), 1);
    EXPECT_EQ(std::ranges::count(there().events, "established"), 1);
    EXPECT_EQ(std::ranges::count(there().events, "admit 1 program 200001"), 0);
}

TEST_F(Renewal, NothingNewBeginsUnderAContextThatHasEnded) {
    establish();
    there().contexts.at(0)->expired = true;
    here().session->program_bytes(plain_call(7, "args"));
    here().key = 43;
    const auto call = here().network_out.take();
    feed(there(), call);
    auto answers = records_of(there().network_out.take());
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(wire::read_reply(answers[0]).value().why, wire::AuthStatus::gss_context_problem);
    EXPECT_EQ(calls().size(), 0U);
    feed(here(), record_of(answers[0]));
    net->run();
    EXPECT_EQ(calls().size(), 1U);
}

TEST_F(Renewal, AfterDestroyTheHandleIsUnknown) {
    establish();
    here().session->program_bytes(plain_call(7, "args"));
    const auto records = records_of(here().network_out.take());
    feed(there(), record_of(records.at(0)));
    there().session->program_bytes(plain_reply(calls().at(0).xid, "done"));
    make_due();
    net->run();
    EXPECT_EQ(there().contexts.size(), 1U);
    feed(there(), record_of(records.at(0)));
    auto answers = records_of(there().network_out.take());
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(wire::read_reply(answers[0]).value().why, wire::AuthStatus::gss_credential_problem);
}

TEST_F(Renewal, AnEndWhileAContextIsMadeWaitsForIt) {
    establish();
    here().renewal = here().now() + 1h;
    here().session->wake();
    here().key = 43;
    here().advance(1h);
    here().answer_one();  // INIT is out
    here().session->program_end();
    EXPECT_FALSE(here().ended);
    net->run();
    EXPECT_EQ(here().ended, Verdict::authenticated);
    EXPECT_EQ(there().ended, Verdict::authenticated);
}

}  // namespace
}  // namespace mutual::oncrpc
