// SPDX-License-Identifier: Apache-2.0
// What somebody on the network, or a peer that breaks the rules, can do to the records of an established
// channel.
#include "plugins/sockets/two_sessions_test.h"

namespace mutual::sockets {
namespace {

class Attack : public TwoSessions {
protected:
    void SetUp() override { establish(); }

    void expect_reset(Code code, std::string_view text) {
        expect_end(net.acceptor, Verdict::reset, code, text);
        EXPECT_EQ(error_of(net.acceptor).stage, Stage::channel);
    }
};

TEST_F(Attack, FT_086_EveryAlteredBitOfARecordEndsTheSession) {
    const auto good = record("order");
    for (std::size_t bit = 32; bit < good.size() * 8; ++bit) {
        FakeNetwork fresh{*transport};
        fresh.start();
        fresh.run();
        auto bad = good;
        bad[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        feed(fresh.acceptor, bad);
        expect_end(fresh.acceptor, Verdict::reset, Code::protocol, "");
        EXPECT_EQ(fresh.received(fresh.acceptor), "");
    }
}

TEST_F(Attack, FT_086_ReplayedRecord) {
    const auto one = record("pay 100");
    feed(net.acceptor, one);
    feed(net.acceptor, one);
    expect_reset(Code::protocol, "it is a duplicate");
    EXPECT_EQ(net.received(net.acceptor), "pay 100");
}

TEST_F(Attack, FT_086_ReorderedRecords) {
    const auto first = record("first");
    feed(net.acceptor, record("second"));
    expect_reset(Code::protocol, "it is preceded by a gap");
    EXPECT_EQ(net.received(net.acceptor), "");
    feed(net.acceptor, first);
    EXPECT_EQ(net.received(net.acceptor), "");
}

TEST_F(Attack, FT_086_DroppedRecord) {
    feed(net.acceptor, record("one"));
    record("two");
    net.initiator.session->program_end();
    feed(net.acceptor, net.initiator.network_out.take());
    expect_reset(Code::protocol, "it is preceded by a gap");
    EXPECT_FALSE(net.acceptor.program_verdict);
}

TEST_F(Attack, FT_086_ReflectedRecord) {
    feed(net.initiator, record("mirror"));
    expect_end(net.initiator, Verdict::reset, Code::protocol, "invalid signature");
}

TEST_F(Attack, FT_086_RecordOfAnotherChannel) {
    FakeNetwork other{*transport};
    other.initiator.key = 4711;
    other.start();
    other.run();
    other.send(other.initiator, "foreign");
    feed(net.acceptor, other.initiator.network_out.take());
    expect_reset(Code::protocol, "invalid signature");
}

TEST_F(Attack, FT_086_TruncatedRecordWithAShorterLength) {
    const auto good = record("whole");
    for (std::size_t size = 5; size < good.size(); ++size) {
        FakeNetwork fresh{*transport};
        fresh.start();
        fresh.run();
        Octets bad{good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)};
        wire::put_length(bad, size - 4);
        feed(fresh.acceptor, bad);
        expect_end(fresh.acceptor, Verdict::reset, Code::protocol, "");
    }
}

TEST_F(Attack, ConnectionCutWithinARecord) {
    const auto good = record("whole");
    for (std::size_t size = 1; size < good.size(); ++size) {
        FakeNetwork fresh{*transport};
        fresh.start();
        fresh.run();
        feed(fresh.acceptor, Bytes{good}.first(size));
        fresh.acceptor.session->network_end();
        expect_end(fresh.acceptor, Verdict::reset, Code::protocol, "connection ended within a record");
        EXPECT_FALSE(fresh.acceptor.program_verdict);
    }
}

TEST_F(Attack, FT_085_IntegrityOnlyRecord) {
    net.initiator.contexts.at(0)->seals_integrity_only = true;
    feed(net.acceptor, record("readable"));
    expect_reset(Code::protocol, "integrity-only record");
    EXPECT_EQ(net.received(net.acceptor), "");
}

TEST_F(Attack, FT_085_IntegrityOnlyEndOfStream) {
    net.initiator.contexts.at(0)->seals_integrity_only = true;
    net.initiator.session->program_end();
    feed(net.acceptor, net.initiator.network_out.take());
    expect_reset(Code::protocol, "integrity-only record");
    EXPECT_FALSE(net.acceptor.program_verdict);
}

TEST_F(Attack, FT_085_ClearTextAfterTheHandshake) {
    feed(net.acceptor, bytes_of("in the clear"));
    expect_reset(Code::protocol, "announced a record of 1768824948 octets");
    FakeNetwork fresh{*transport};
    fresh.start();
    fresh.run();
    feed(fresh.acceptor, frame("in the clear"));
    expect_end(fresh.acceptor, Verdict::reset, Code::protocol, "invalid signature");
}

TEST_F(Attack, FT_083_LengthsOutsideTheLimits) {
    for (const std::size_t length : {std::size_t{0}, std::size_t{66'049}, std::size_t{0xffffffff}}) {
        FakeNetwork fresh{*transport};
        fresh.start();
        fresh.run();
        feed(fresh.acceptor, frame(length, ""));
        expect_end(fresh.acceptor, Verdict::reset, Code::protocol,
                   "announced a record of " + std::to_string(length) + " octets");
    }
}

TEST_F(Attack, DataAfterTheEndOfTheStream) {
    net.send(net.initiator, "data");
    net.initiator.session->program_end();
    auto octets = net.initiator.network_out.take();
    const auto clean = octets.size();
    octets.push_back(std::byte{0});
    for (const std::size_t piece : {clean, octets.size()}) {
        FakeNetwork fresh{*transport};
        fresh.start();
        fresh.run();
        feed(fresh.acceptor, octets, piece);
        expect_end(fresh.acceptor, Verdict::reset, Code::protocol, "peer sent data after its end of stream");
        EXPECT_EQ(fresh.received(fresh.acceptor), "data");
    }
}

}  // namespace
}  // namespace mutual::sockets
