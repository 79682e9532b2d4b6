// SPDX-License-Identifier: Apache-2.0
#include "plugins/sockets/two_sessions_test.h"
#include "tests/fakes/allocations.h"

namespace mutual::sockets {
namespace {

class Records : public TwoSessions {
protected:
    void SetUp() override { establish(); }
};

TEST_F(Records, CarryDataBothWays) {
    net.send(net.initiator, "question");
    net.send(net.acceptor, "answer");
    net.run();
    EXPECT_EQ(net.received(net.acceptor), "question");
    EXPECT_EQ(net.received(net.initiator), "answer");
}

TEST_F(Records, FT_087_LongDataIsSplitAndArrivesWhole) {
    std::string text(500'000, ' ');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 25);
    for (const std::size_t piece : {1000U, 16'415U, 65'536U, 131'072U}) {
        net.send(net.initiator, text);
        net.run(piece);
        EXPECT_EQ(net.received(net.acceptor), text);
    }
    EXPECT_EQ(net.initiator.contexts.at(0)->sealed, 4U * 31U);
}

TEST_F(Records, FT_085_EveryOctetOnTheNetworkIsSealed) {
    EXPECT_EQ(text_of(record("plain words")).find("plain"), std::string::npos);
}

TEST_F(Records, EndOfStreamIsAuthenticatedBothWays) {
    net.send(net.initiator, "last");
    net.initiator.session->program_end();
    net.run();
    EXPECT_EQ(net.received(net.acceptor), "last");
    EXPECT_EQ(net.acceptor.program_verdict, Verdict::authenticated);
    EXPECT_FALSE(net.acceptor.ended || net.initiator.ended);
    net.acceptor.session->program_end();
    net.run();
    EXPECT_EQ(net.initiator.program_verdict, Verdict::authenticated);
    EXPECT_EQ(net.initiator.ended, Verdict::authenticated);
    EXPECT_EQ(net.acceptor.ended, Verdict::authenticated);
    EXPECT_FALSE(net.acceptor.error || net.initiator.error);
}

TEST_F(Records, HalfCloseKeepsTheOtherDirectionOpen) {
    for (const bool initiator_first : {true, false}) {
        FakeNetwork fresh{*transport};
        fresh.start();
        fresh.run();
        auto& first = initiator_first ? fresh.initiator : fresh.acceptor;
        auto& second = initiator_first ? fresh.acceptor : fresh.initiator;
        first.session->program_end();
        fresh.run();
        for (const auto* text : {"still", "talking"}) {
            fresh.send(second, text);
            fresh.run();
            EXPECT_EQ(fresh.received(first), text);
        }
        second.session->program_end();
        fresh.run();
        EXPECT_EQ(first.ended, Verdict::authenticated);
        EXPECT_EQ(second.ended, Verdict::authenticated);
    }
}

TEST_F(Records, EndOfStreamIsOneEmptyRecordThenTheConnectionsEnd) {
    net.initiator.session->program_end();
    EXPECT_EQ(net.initiator.network_out.size(), 4U + 16U + 12U);
    EXPECT_EQ(net.initiator.events.back(), "network_end");
    net.initiator.session->program_end();
    net.send(net.initiator, "too late");
    EXPECT_EQ(net.initiator.network_out.size(), 4U + 16U + 12U);
}

TEST_F(Records, BareEndOfConnectionIsUnauthenticated) {
    feed(net.acceptor, record("cut?"));
    net.acceptor.session->network_end();
    EXPECT_EQ(net.received(net.acceptor), "cut?");
    EXPECT_EQ(net.acceptor.program_verdict, Verdict::unauthenticated);
    EXPECT_FALSE(net.acceptor.ended);
    net.send(net.acceptor, "we may still answer");
    EXPECT_GT(net.acceptor.network_out.size(), 0U);
    net.acceptor.session->program_end();
    EXPECT_EQ(net.acceptor.ended, Verdict::unauthenticated);
    EXPECT_FALSE(net.acceptor.error);
}

TEST_F(Records, ExpiryOfTheContextIsItsOwnVerdict) {
    net.initiator.contexts.at(0)->fails =
        Error{Code::expired, Stage::channel, "seal a record: context expired"};
    net.send(net.initiator, "x");
    expect_end(net.initiator, Verdict::expired, Code::expired, "context expired");
}

TEST_F(Records, AFullQueueEndsTheChannel) {
    net.acceptor.program_out.bound = 3;
    feed(net.acceptor, record("four"));
    expect_end(net.acceptor, Verdict::reset, Code::limit, "deliver to the program");
    net.initiator.network_out.bound = 3;
    net.send(net.initiator, "four");
    expect_end(net.initiator, Verdict::reset, Code::limit, "send to the network");
}

TEST_F(Records, AFullQueueAtTheEndOfTheStreamEndsTheChannel) {
    net.initiator.network_out.bound = 3;
    net.initiator.session->program_end();
    expect_end(net.initiator, Verdict::reset, Code::limit, "send to the network");
}

TEST_F(Records, TakeNoMemoryOnceWarm) {
    const auto text = bytes_of(std::string(40'000, 'x'));
    std::size_t allocated = 0;
    for (int round = 0; round < 4; ++round) {
        net.initiator.session->program_bytes(text);
        auto stream = net.initiator.network_out.take();
        net.initiator.session->program_bytes(text);
        auto more = net.initiator.network_out.take();
        net.initiator.network_out.reserve(100'000);
        const auto before = fakes::allocations().count;
        net.acceptor.session->network_bytes(MutableBytes{stream}.first(20'000));
        net.acceptor.session->network_bytes(MutableBytes{stream}.subspan(20'000));
        net.acceptor.session->network_bytes(more);
        net.acceptor.program_out.clear();
        allocated = fakes::allocations().count - before;
    }
    EXPECT_EQ(allocated, 0U);
    EXPECT_EQ(net.acceptor.contexts.at(0)->opened, 4U * 6U);
    const auto before = fakes::allocations().count;
    net.initiator.session->program_bytes(text);
    EXPECT_EQ(fakes::allocations().count, before);
}

}  // namespace
}  // namespace mutual::sockets
