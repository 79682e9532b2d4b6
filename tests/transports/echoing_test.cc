// SPDX-License-Identifier: Apache-2.0
// The contract of transports is enough for a second context in mid-stream, for time, and for answers that
// need no network.
#include "tests/transports/echoing.h"

#include <gtest/gtest.h>

#include "tests/fakes/network.h"

namespace mutual::echoing {
namespace {

using fakes::FakeNetwork;
using Events = std::vector<std::string>;
using std::chrono::seconds;

class Echoing : public testing::Test {
protected:
    Echoing() {
        net.start();
        net.run();
    }
    ~Echoing() override {
        EXPECT_EQ(net.initiator.violations, Events{});
        EXPECT_EQ(net.acceptor.violations, Events{});
    }

    std::string exchanged(fakes::FakeHost& from, fakes::FakeHost& to, std::string_view text) {
        net.send(from, text);
        net.run();
        return net.received(to);
    }

    std::unique_ptr<Transport> transport = std::move(make_transport()).value();
    FakeNetwork net{*transport};
};

TEST_F(Echoing, CarriesLinesBothWays) {
    EXPECT_EQ(net.acceptor.events, (Events{"step 0", "admit 0 echo in lines", "established"}));
    EXPECT_EQ(exchanged(net.initiator, net.acceptor, "one\ntwo\npart"), "one\ntwo\n");
    EXPECT_EQ(exchanged(net.acceptor, net.initiator, "three\n"), "three\n");
    EXPECT_EQ(exchanged(net.initiator, net.acceptor, "ial\n"), "partial\n");
}

TEST_F(Echoing, AnswersTheProgramWithoutTheNetwork) {
    net.send(net.initiator, "PING\n");
    EXPECT_EQ(net.initiator.network_out.size(), 0U);
    EXPECT_EQ(net.received(net.initiator), "PONG\n");
}

TEST_F(Echoing, BothEndsDeriveTheSameKey) {
    net.send(net.initiator, "KEY\n");
    net.send(net.acceptor, "KEY\n");
    const auto key = net.received(net.initiator);
    EXPECT_EQ(key.size(), 4U + 16U + 1U);
    EXPECT_EQ(net.received(net.acceptor), key);
}

TEST_F(Echoing, MovesToASecondContextInMidStream) {
    net.initiator.key = 99;
    auto& first = *net.acceptor.contexts.at(0);
    net.send(net.initiator, "before\nREKEY\nduring\n");
    net.send(net.acceptor, "other way\n");
    net.run();
    EXPECT_EQ(net.received(net.acceptor), "before\nduring\n");
    EXPECT_EQ(net.received(net.initiator), "other way\n");
    EXPECT_EQ(first.opened, 2U);
    EXPECT_EQ(exchanged(net.initiator, net.acceptor, "after\n"), "after\n");
    EXPECT_EQ(exchanged(net.acceptor, net.initiator, "echo\n"), "echo\n");
    EXPECT_EQ(net.acceptor.events.back(), "discard 0");
    EXPECT_EQ(net.initiator.events.back(), "discard 0");
    EXPECT_EQ(net.acceptor.contexts.size(), 1U);
    EXPECT_EQ(net.acceptor.contexts.at(1)->opened, 1U);
    EXPECT_EQ(net.initiator.contexts.at(1)->opened, 1U);
}

TEST_F(Echoing, MovesOnManyTimes) {
    for (int i = 1; i < 64; ++i) {
        net.send(net.initiator, "REKEY\n");
        net.run();
        EXPECT_EQ(exchanged(net.initiator, net.acceptor, "line\n"), "line\n");
        EXPECT_EQ(exchanged(net.acceptor, net.initiator, "line\n"), "line\n");
        EXPECT_EQ(net.acceptor.contexts.size(), 1U);
    }
    EXPECT_EQ(exchanged(net.initiator, net.initiator, "REKEY\n"), "NO\n");
}

TEST_F(Echoing, ASecondContextOfAnotherPrincipalEndsTheChannel) {
    net.send(net.initiator, "REKEY\n");
    net.acceptor.contexts.at(0)->facts_.initiator = "bob@EXAMPLE";
    net.run();
    ASSERT_TRUE(net.acceptor.error);
    EXPECT_EQ(net.acceptor.error->code, Code::wrong_peer);
}

TEST_F(Echoing, HeartbeatsKeepAnIdleChannelAlive) {
    for (int i = 0; i < 20; ++i) {
        net.initiator.advance(seconds{10});
        net.acceptor.advance(seconds{10});
        EXPECT_GT(net.initiator.network_out.size(), 0U);
        net.run();
    }
    EXPECT_EQ(exchanged(net.initiator, net.acceptor, "alive\n"), "alive\n");
}

TEST_F(Echoing, ASilentPeerIsGivenUpInTime) {
    net.initiator.advance(seconds{29});
    EXPECT_FALSE(net.initiator.ended);
    net.initiator.advance(seconds{1});
    ASSERT_TRUE(net.initiator.error);
    EXPECT_EQ(net.initiator.error->code, Code::timed_out);
}

TEST_F(Echoing, WorksAtEveryPieceLength) {
    for (std::size_t piece = 1; piece < 100; ++piece) {
        FakeNetwork fresh{*transport};
        fresh.start();
        fresh.run(piece);
        fresh.send(fresh.initiator, "a\nREKEY\nb\n");
        fresh.run(piece);
        fresh.send(fresh.initiator, "c\n");
        fresh.initiator.session->program_end();
        fresh.run(piece);
        fresh.send(fresh.acceptor, "d\n");
        fresh.acceptor.session->program_end();
        fresh.run(piece);
        ASSERT_EQ(fresh.received(fresh.acceptor), "a\nb\nc\n");
        ASSERT_EQ(fresh.received(fresh.initiator), "d\n");
        ASSERT_EQ(fresh.initiator.ended, Verdict::authenticated);
        ASSERT_EQ(fresh.acceptor.ended, Verdict::authenticated);
        ASSERT_EQ(fresh.acceptor.violations, Events{});
    }
}

}  // namespace
}  // namespace mutual::echoing
