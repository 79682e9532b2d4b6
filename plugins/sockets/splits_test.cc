// SPDX-License-Identifier: Apache-2.0
// Whatever way the network cuts a stream, a Session does the same. Exhaustive over all cuts into three.
#include "plugins/sockets/two_sessions_test.h"

namespace mutual::sockets {
namespace {

// The octets that each end sends on one good channel: token or tokens, two records, end of stream.
struct Recording {
    Octets token;    // initiator's
    Octets records;  // initiator's
    Octets answer;   // acceptor's last token and all its records
};

Recording record_channel(Transport& transport) {
    FakeNetwork net{transport};
    Recording recording;
    net.start();
    net.initiator.answer_all();
    recording.token = net.initiator.network_out.take();
    feed(net.acceptor, recording.token);
    net.send(net.acceptor, "good day");
    net.send(net.acceptor, "x");
    net.acceptor.session->program_end();
    recording.answer = net.acceptor.network_out.take();
    feed(net.initiator, recording.answer);
    net.send(net.initiator, "hello");
    net.send(net.initiator, "yz");
    net.initiator.session->program_end();
    recording.records = net.initiator.network_out.take();
    return recording;
}

class Splits : public testing::Test {
protected:
    // `check(first, second)` for every cut of `size` octets into [0,first), [first,second), [second,size).
    template <class Check>
    static void every_cut(std::size_t size, Check check) {
        for (std::size_t first = 0; first <= size; ++first)
            for (std::size_t second = first; second <= size; ++second) check(first, second);
    }

    static void feed_cut(FakeHost& host, Bytes octets, std::size_t first, std::size_t second) {
        feed(host, octets.first(first));
        feed(host, octets.subspan(first, second - first));
        feed(host, octets.subspan(second));
    }

    std::unique_ptr<Transport> transport = std::move(make_transport("")).value();
    Recording recording = record_channel(*transport);
};

TEST_F(Splits, AcceptorReadsItsTokenInEveryCut) {
    every_cut(recording.token.size(), [&](std::size_t first, std::size_t second) {
        FakeNetwork net{*transport};
        net.start();
        feed_cut(net.acceptor, recording.token, first, second);
        ASSERT_EQ(net.acceptor.events, (Events{"step 0", "admit 0", "established"}));
        ASSERT_EQ(net.acceptor.violations, Events{});
    });
}

TEST_F(Splits, AcceptorReadsRecordsInEveryCut) {
    every_cut(recording.records.size(), [&](std::size_t first, std::size_t second) {
        FakeNetwork net{*transport};
        net.start();
        feed(net.acceptor, recording.token);
        feed_cut(net.acceptor, recording.records, first, second);
        net.acceptor.session->network_end();
        ASSERT_EQ(net.received(net.acceptor), "helloyz");
        ASSERT_EQ(net.acceptor.program_verdict, Verdict::authenticated);
        ASSERT_FALSE(net.acceptor.ended);
        ASSERT_EQ(net.acceptor.violations, Events{});
    });
}

TEST_F(Splits, InitiatorReadsLastTokenAndRecordsInEveryCut) {
    every_cut(recording.answer.size(), [&](std::size_t first, std::size_t second) {
        FakeNetwork net{*transport};
        net.start();
        net.initiator.answer_all();
        feed_cut(net.initiator, recording.answer, first, second);
        net.initiator.session->network_end();
        ASSERT_EQ(net.received(net.initiator), "good dayx");
        ASSERT_EQ(net.initiator.program_verdict, Verdict::authenticated);
        ASSERT_EQ(net.initiator.violations, Events{});
    });
}

// A host whose answer to the last step comes late, after the connection's end.
TEST_F(Splits, InitiatorKeepsWhatComesBeforeItsStepIsAnswered) {
    for (std::size_t cut = 0; cut <= recording.answer.size(); ++cut) {
        FakeNetwork net{*transport};
        net.start();
        net.initiator.answer_all();
        auto octets = recording.answer;
        net.initiator.session->network_bytes(MutableBytes{octets}.first(cut));
        net.initiator.session->network_bytes(MutableBytes{octets}.subspan(cut));
        net.initiator.session->network_end();
        ASSERT_FALSE(net.initiator.is_established);
        net.initiator.answer_all();
        ASSERT_EQ(net.received(net.initiator), "good dayx");
        ASSERT_EQ(net.initiator.program_verdict, Verdict::authenticated);
    }
}

// `late`: the last step is answered only after the connection's end.
TEST_F(Splits, CutAtEveryOctetTheInitiatorKnowsHowItEnded) {
    const auto token = 4 + std::string_view{"welcome 0 42 "}.size();
    const auto first = token + 4 + 16 + 8 + 12;
    const auto second = first + 4 + 16 + 1 + 12;
    for (const bool late : {false, true})
        for (std::size_t size = 0; size < recording.answer.size(); ++size) {
            FakeNetwork net{*transport};
            net.start();
            net.initiator.answer_all();
            Octets octets{recording.answer.begin(),
                          recording.answer.begin() + static_cast<std::ptrdiff_t>(size)};
            net.initiator.session->network_bytes(octets);
            if (!late) net.initiator.answer_all();
            net.initiator.session->network_end();
            net.initiator.answer_all();
            ASSERT_EQ(net.initiator.is_established, size >= token) << size;
            const bool at_boundary = size == token || size == first || size == second;
            ASSERT_EQ(net.initiator.program_verdict == Verdict::unauthenticated, at_boundary) << size;
            ASSERT_EQ(net.initiator.ended == Verdict::reset, !at_boundary) << size;
            const std::size_t delivered = size >= second ? 9 : size >= first ? 8 : 0;
            ASSERT_EQ(net.received(net.initiator), std::string_view{"good dayx"}.substr(0, delivered));
        }
}

TEST_F(Splits, TwoEndsUnderstandEachOtherAtEveryPieceLength) {
    for (std::size_t piece = 1; piece < 80; ++piece) {
        FakeNetwork net{*transport};
        net.start();
        net.run(piece);
        net.send(net.initiator, std::string(50, 'q'));
        net.send(net.acceptor, std::string(40, 'a'));
        net.initiator.session->program_end();
        net.acceptor.session->program_end();
        net.run(piece);
        ASSERT_EQ(net.received(net.acceptor), std::string(50, 'q'));
        ASSERT_EQ(net.received(net.initiator), std::string(40, 'a'));
        ASSERT_EQ(net.initiator.ended, Verdict::authenticated);
        ASSERT_EQ(net.acceptor.ended, Verdict::authenticated);
    }
}

}  // namespace
}  // namespace mutual::sockets
