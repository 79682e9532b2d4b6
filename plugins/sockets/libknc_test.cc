// SPDX-License-Identifier: Apache-2.0
// Dialect `libknc`: ends of streams and errors are commands.
#include "plugins/sockets/knc_command.h"
#include "plugins/sockets/two_sessions_test.h"

namespace mutual::sockets {
namespace {

using namespace std::string_literals;

constexpr const char* libknc = R"({"dialect":"libknc"})";

// Both ends speak libknc. What a peer of another mind would say is sealed by the initiator's own context.
class Libknc : public TwoSessions {
protected:
    void SetUp() override {
        knc.start();
        knc.run();
        ASSERT_TRUE(knc.initiator.is_established && knc.acceptor.is_established);
    }
    ~Libknc() override {
        EXPECT_EQ(knc.initiator.violations, Events{});
        EXPECT_EQ(knc.acceptor.violations, Events{});
    }

    static Octets sealed(FakeHost& by, std::string_view plaintext) {
        auto& context = *by.contexts.at(0);
        const auto layout = context.layout(plaintext.size());
        Octets record(layout.header + plaintext.size() + layout.trailer);
        const auto text = bytes_of(plaintext);
        std::copy(text.begin(), text.end(), record.begin() + static_cast<std::ptrdiff_t>(layout.header));
        EXPECT_TRUE(context.seal(record, plaintext.size()));
        Octets octets(wire::frame_header);
        wire::put_length(octets, record.size());
        octets.insert(octets.end(), record.begin(), record.end());
        return octets;
    }
    static Octets command(FakeHost& by, std::string_view body) {
        auto octets = sealed(by, "");
        const auto rest = sealed(by, body);
        octets.insert(octets.end(), rest.begin(), rest.end());
        return octets;
    }
    // The plaintexts of the frames that came out of a host, opened by its peer.
    static std::vector<std::string> opened(FakeHost& from, FakeHost& by) {
        std::vector<std::string> texts;
        Octets octets = from.network_out.take();
        wire::FrameReader reader;
        reader.expect(wire::FrameKind::data);
        MutableBytes rest{octets};
        while (!rest.empty()) {
            auto record = reader.next(rest);
            if (!record || !record->has_value()) break;
            texts.push_back(text_of(by.contexts.at(0)->open(**record)->plaintext));
        }
        return texts;
    }

    FakeNetwork knc{*transport, libknc};
};

TEST_F(Libknc, CarriesDataBothWaysAndEndsEachStreamByItself) {
    knc.send(knc.initiator, "question");
    knc.initiator.session->program_end();
    knc.run();
    EXPECT_EQ(knc.received(knc.acceptor), "question");
    EXPECT_EQ(knc.acceptor.program_verdict, Verdict::authenticated);
    EXPECT_FALSE(knc.acceptor.ended || knc.initiator.ended || knc.initiator.network_ended);
    knc.send(knc.acceptor, "answer");
    knc.acceptor.session->program_end();
    knc.run(1);
    EXPECT_EQ(knc.received(knc.initiator), "answer");
    EXPECT_EQ(knc.initiator.ended, Verdict::authenticated);
    EXPECT_EQ(knc.acceptor.ended, Verdict::authenticated);
}

TEST_F(Libknc, SaysItsEndAsACommandOfOneOctet) {
    knc.initiator.session->program_end();
    EXPECT_EQ(opened(knc.initiator, knc.acceptor), (Events{"", "\0"s}));
}

TEST_F(Libknc, TakesCommandsThatAreSplitAnywhere) {
    for (const std::size_t piece : {1U, 3U, 64U}) {
        FakeNetwork fresh{*transport, libknc};
        fresh.start();
        fresh.run();
        auto octets = sealed(fresh.initiator, "data");
        const auto end = command(fresh.initiator, "\0"s);
        octets.insert(octets.end(), end.begin(), end.end());
        feed(fresh.acceptor, octets, piece);
        EXPECT_EQ(fresh.received(fresh.acceptor), "data");
        EXPECT_EQ(fresh.acceptor.program_verdict, Verdict::authenticated);
    }
}

TEST_F(Libknc, AnEmptyCommandIsTheEndOfBothStreams) {
    feed(knc.acceptor, command(knc.initiator, ""));
    EXPECT_EQ(knc.acceptor.program_verdict, Verdict::authenticated);
    EXPECT_EQ(knc.acceptor.ended, Verdict::authenticated);
    EXPECT_EQ(opened(knc.acceptor, knc.initiator), (Events{"", "\0"s}));
}

TEST_F(Libknc, APeerThatReadsNoMoreGetsOurEndAndTheProgramThatSendsAnError) {
    feed(knc.acceptor, command(knc.initiator, "\1"));
    EXPECT_EQ(opened(knc.acceptor, knc.initiator), (Events{"", "\0"s}));
    feed(knc.acceptor, sealed(knc.initiator, "it still sends"));
    EXPECT_EQ(knc.received(knc.acceptor), "it still sends");
    EXPECT_FALSE(knc.acceptor.ended);
    knc.acceptor.session->program_bytes(bytes_of("unwanted"));
    expect_end(knc.acceptor, Verdict::reset, Code::cancelled, "reads no more");
    EXPECT_EQ(knc.acceptor.network_out.size(), 0U);
}

TEST_F(Libknc, AnswersWhatItDoesNotKnowOnceAndWithItsNumber) {
    const auto ask = "\0\0\1\2future@example.org\0\0\0\0\3abc"s;
    feed(knc.acceptor, command(knc.initiator, ask + ask));
    const auto answer = "\0\0\1\2dont_understand\0\0\0\0\0"s;
    EXPECT_EQ(opened(knc.acceptor, knc.initiator), (Events{"", answer + answer}));
    feed(knc.acceptor, command(knc.initiator, answer));
    EXPECT_EQ(knc.acceptor.network_out.size(), 0U);
    EXPECT_FALSE(knc.acceptor.ended);
}

TEST_F(Libknc, AnErrorThatThePeerReportsIsQuotedAndEndsTheChannel) {
    feed(knc.acceptor, command(knc.initiator, "\0\0\0\0txt_error\0\0\0\0\5no\nno"s));
    expect_end(knc.acceptor, Verdict::reset, Code::protocol, R"(peer reports an error: "no\x0ano")");
}

TEST_F(Libknc, MalformedCommandsEndTheChannel) {
    for (const auto& body :
         {"\2"s, "\0\0"s, "\0\0\0\0name\0\0\0\0"s, "\0\0\0\0name\0\0\0\0\1"s, "\0\0\0\0name"s,
          "\0\0\0\0\0\0\0\0\0"s, "\0\0\0\0name\0\xff\xff\xff\xff"s, "\0\0\0\0a\0\0\0\0\0b"s}) {
        const auto command = read_knc_command(bytes_of(body));
        ASSERT_FALSE(command) << body.size();
        EXPECT_EQ(command.error().code, Code::protocol);
    }
    feed(knc.acceptor, command(knc.initiator, "\2"));
    expect_end(knc.acceptor, Verdict::reset, Code::protocol, "malformed command");
}

TEST_F(Libknc, AFloodOfUnknownCommandsIsNotAnswered) {
    std::string flood;
    while (flood.size() < 60'000) flood += "\0\0\0\0x\0\0\0\0\0"s;
    EXPECT_EQ(read_knc_command(bytes_of(flood)).error().code, Code::limit);
}

TEST_F(Libknc, DataAfterItsEndEndsTheChannelAndCommandsMayFollow) {
    feed(knc.acceptor, command(knc.initiator, "\0"s));
    feed(knc.acceptor, command(knc.initiator, "\0\0\0\0dont_understand\0\0\0\0\0"s));
    EXPECT_FALSE(knc.acceptor.ended);
    feed(knc.acceptor, sealed(knc.initiator, "more"));
    expect_end(knc.acceptor, Verdict::reset, Code::protocol, "after its end of stream");
}

TEST_F(Libknc, AConnectionThatJustEndsIsAnErrorThatNamesBothDialects) {
    feed(knc.acceptor, sealed(knc.initiator, "perhaps not all"));
    knc.acceptor.session->network_end();
    EXPECT_EQ(knc.received(knc.acceptor), "perhaps not all");
    expect_end(knc.acceptor, Verdict::unauthenticated, Code::protocol, "without the command");
    EXPECT_NE(error_of(knc.acceptor).hint.find("dialect libknc of wire gss; a peer of dialect cli"),
              std::string::npos);
}

TEST_F(Libknc, AfterThePeersEndItsConnectionMayEnd) {
    feed(knc.acceptor, command(knc.initiator, "\0"s));
    knc.acceptor.session->network_end();
    EXPECT_FALSE(knc.acceptor.ended);
    knc.acceptor.session->program_end();
    EXPECT_EQ(knc.acceptor.ended, Verdict::authenticated);
}

TEST_F(Libknc, APeerOfDialectCliIsToldByItsEnd) {
    feed(knc.acceptor, sealed(knc.initiator, ""));
    knc.acceptor.session->network_end();
    expect_end(knc.acceptor, Verdict::unauthenticated, Code::protocol,
               "as dialect cli does, this end speaks dialect libknc");
}

TEST_F(Libknc, AtAnEndOfDialectCliItsPeerIsToldByItsCommand) {
    establish();
    feed(net.acceptor, command(net.initiator, "\0"s));
    expect_end(net.acceptor, Verdict::reset, Code::protocol, "after its end of stream");
    EXPECT_NE(error_of(net.acceptor).hint.find("dialect cli of wire gss; a peer of dialect libknc"),
              std::string::npos);
}

}  // namespace
}  // namespace mutual::sockets
