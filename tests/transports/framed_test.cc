// SPDX-License-Identifier: Apache-2.0
// The example of a transport, over fakes: what it owes its host, and what it takes from a peer. It is linked
// here as it is.
#include <gtest/gtest.h>

#include "mutual/plugin.h"
#include "plugins/sockets/transport.h"
#include "tests/fakes/network.h"

extern "C" const mutual::Plugin mutual_plugin;

namespace mutual {
namespace {

using fakes::bytes_of;
using fakes::FakeHost;
using fakes::FakeNetwork;
using fakes::feed;
using Events = std::vector<std::string>;
using Octets = std::vector<std::byte>;

std::unique_ptr<Transport> framed() { return std::move(mutual_plugin.transport({"{}"})).value(); }

Octets frame(std::size_t length, std::string_view body) {
    Octets octets;
    for (int shift = 24; shift >= 0; shift -= 8) octets.push_back(static_cast<std::byte>(length >> shift));
    const Octets text = bytes_of(body);
    octets.insert(octets.end(), text.begin(), text.end());
    return octets;
}

class Framed : public testing::Test {
protected:
    ~Framed() override {
        EXPECT_EQ(net.initiator.violations, Events());
        EXPECT_EQ(net.acceptor.violations, Events());
    }
    void establish() {
        net.start();
        net.run();
        ASSERT_TRUE(net.initiator.is_established && net.acceptor.is_established);
    }
    static Code code_at(const FakeHost& host) { return host.error.value_or(Error()).code; }

    std::unique_ptr<Transport> transport = framed();
    FakeNetwork net{*transport, "{}"};
};

TEST_F(Framed, CarriesOctetsBothWays) {
    establish();
    const std::string up(300'000, 'u');
    net.send(net.initiator, up);
    net.send(net.acceptor, "down");
    net.run();
    EXPECT_EQ(net.received(net.acceptor), up);
    EXPECT_EQ(net.received(net.initiator), "down");
}

TEST_F(Framed, AdmitsBeforeItsLastToken) {
    net.start();
    net.initiator.answer_all();
    net.acceptor.admits = false;
    feed(net.acceptor, net.initiator.network_out.take());
    EXPECT_EQ(net.acceptor.events, (Events{"step 0", "admit 0", "end denied"}));
    EXPECT_EQ(net.acceptor.network_out.size(), 0U);
    net.run();
    EXPECT_EQ(code_at(net.initiator), Code::refused_by_peer);
}

TEST_F(Framed, HalfClosesBothWays) {
    establish();
    net.send(net.initiator, "question");
    net.initiator.session->program_end();
    net.run();
    EXPECT_EQ(net.received(net.acceptor), "question");
    EXPECT_EQ(net.acceptor.program_verdict, Verdict::authenticated);
    EXPECT_FALSE(net.acceptor.ended || net.initiator.ended);
    net.send(net.acceptor, "answer");
    net.acceptor.session->program_end();
    net.run();
    EXPECT_EQ(net.received(net.initiator), "answer");
    EXPECT_EQ(net.initiator.ended, Verdict::authenticated);
    EXPECT_EQ(net.acceptor.ended, Verdict::authenticated);
}

TEST_F(Framed, TellsACutStreamFromAnEnd) {
    establish();
    net.acceptor.session->network_end();
    EXPECT_EQ(net.acceptor.program_verdict, Verdict::unauthenticated);
    net.send(net.acceptor, "cut");
    Octets cut = net.acceptor.network_out.take();
    cut.pop_back();
    feed(net.initiator, cut);
    net.initiator.session->network_end();
    EXPECT_EQ(net.initiator.ended, Verdict::reset);
}

TEST_F(Framed, RefusesALengthBeforeItMakesRoomForIt) {
    net.start();
    feed(net.acceptor, frame((128 << 10) + 1, ""));
    EXPECT_EQ(code_at(net.acceptor), Code::protocol);
    FakeNetwork open{*transport, "{}"};
    open.start();
    open.run();
    feed(open.acceptor, frame((64 << 10) + 1, ""));
    EXPECT_EQ(code_at(open.acceptor), Code::protocol);
    FakeNetwork empty{*transport, "{}"};
    empty.start();
    feed(empty.acceptor, frame(0, ""));
    EXPECT_EQ(code_at(empty.acceptor), Code::protocol);
}

TEST_F(Framed, TakesNoRecordThatIsReplayedAlteredOrOpen) {
    for (const std::string_view how : {"replayed", "altered", "open"}) {
        FakeNetwork fresh{*transport, "{}"};
        fresh.start();
        fresh.run();
        fresh.initiator.contexts.at(0)->seals_integrity_only = how == "open";
        fresh.send(fresh.initiator, "pay 1");
        Octets stream = fresh.initiator.network_out.take();
        if (how == "altered") stream.back() ^= std::byte{1};
        feed(fresh.acceptor, stream);
        if (how == "replayed") {
            EXPECT_EQ(fresh.received(fresh.acceptor), "pay 1");
            feed(fresh.acceptor, stream);
        }
        EXPECT_EQ(fresh.acceptor.ended, Verdict::reset) << how;
        EXPECT_EQ(fresh.received(fresh.acceptor), "") << how;
    }
}

TEST_F(Framed, TakesNoRecordBehindTheEndOfAStream) {
    establish();
    net.initiator.session->program_end();
    net.run();
    std::string record(fakes::FakeSecurityContext::header, '\0');
    record.append("more").append(fakes::FakeSecurityContext::trailer, '\0');
    Octets sealed = bytes_of(record);
    ASSERT_TRUE(net.initiator.contexts.at(0)->seal(sealed, 4));
    feed(net.acceptor, frame(sealed.size(), fakes::text_of(sealed)));
    EXPECT_EQ(code_at(net.acceptor), Code::protocol);
    EXPECT_EQ(net.received(net.acceptor), "");
}

TEST_F(Framed, WantsEveryFlag) {
    for (auto ContextFlags::*flag : {&ContextFlags::mutual, &ContextFlags::confidentiality,
                                     &ContextFlags::integrity, &ContextFlags::sequence}) {
        FakeNetwork fresh{*transport, "{}"};
        fresh.initiator.flags.*flag = false;
        fresh.start();
        fresh.run();
        EXPECT_EQ(code_at(fresh.initiator), Code::unprotected);
        EXPECT_FALSE(fresh.initiator.is_established);
    }
}

TEST_F(Framed, SendsTheTokenOfAFailedStep) {
    net.acceptor.step_error = Error{Code::wrong_peer, Stage::handshake, "step: not our key"};
    net.acceptor.error_token = bytes_of("why");
    net.start();
    net.initiator.answer_all();
    feed(net.acceptor, net.initiator.network_out.take());
    EXPECT_EQ(net.acceptor.network_out.take(), frame(3, "why"));
    EXPECT_EQ(net.acceptor.ended, Verdict::unauthenticated);
}

TEST_F(Framed, EndsWithLimitWhereAQueueIsFull) {
    establish();
    net.acceptor.program_out.bound = 4;
    net.send(net.initiator, "longer");
    net.run();
    EXPECT_EQ(code_at(net.acceptor), Code::limit);
}

TEST_F(Framed, EndsWithItsTicket) {
    establish();
    net.initiator.contexts.at(0)->fails =
        Error{Code::expired, Stage::channel, "seal: the context has expired"};
    net.send(net.initiator, "late");
    EXPECT_EQ(net.initiator.ended, Verdict::expired);
}

TEST_F(Framed, GivesTheSameForEverySplitOfTheStream) {
    for (std::size_t piece = 1; piece < 100; ++piece) {
        FakeNetwork fresh{*transport, "{}"};
        fresh.acceptor.more_tokens = fresh.initiator.more_tokens = 1;
        fresh.start();
        fresh.run(piece);
        fresh.send(fresh.initiator, "one");
        fresh.send(fresh.initiator, "two");
        fresh.initiator.session->program_end();
        fresh.run(piece);
        ASSERT_EQ(fresh.received(fresh.acceptor), "onetwo") << piece;
        ASSERT_EQ(fresh.acceptor.program_verdict, Verdict::authenticated);
        ASSERT_EQ(fresh.acceptor.violations, Events());
    }
}

TEST_F(Framed, ReadsRecordsThatCameWithTheLastToken) {
    net.start();
    net.initiator.answer_all();
    feed(net.acceptor, net.initiator.network_out.take());
    net.send(net.acceptor, "at once");
    net.acceptor.session->program_end();
    feed(net.initiator, net.acceptor.network_out.take());
    EXPECT_EQ(net.received(net.initiator), "at once");
    EXPECT_EQ(net.initiator.program_verdict, Verdict::authenticated);
}

TEST_F(Framed, RefusesOptions) {
    EXPECT_EQ(mutual_plugin.transport({R"({"x":1})"}).error().code, Code::invalid_configuration);
    EXPECT_EQ(transport->session({Role::initiator, R"({"x":1})"}, net.initiator).error().code,
              Code::invalid_configuration);
}

// Its frames are those of wire `gss`.
class Mixed final : public Transport {
public:
    explicit Mixed(Role framed) : framed_(framed) {}
    Result<std::unique_ptr<Session>> session(const SessionParameters& given, SessionHost& host) override {
        return (given.role == framed_ ? ours_ : theirs_)->session(given, host);
    }

private:
    const Role framed_;
    std::unique_ptr<Transport> ours_ = framed();
    std::unique_ptr<Transport> theirs_ = std::move(sockets::make_transport("")).value();
};

TEST(FramedAndSockets, SpeakTheSame) {
    for (const Role role : {Role::initiator, Role::acceptor}) {
        Mixed transport(role);
        FakeNetwork net(transport, "{}");
        net.start();
        net.run();
        net.send(net.initiator, "question");
        net.send(net.acceptor, "answer");
        net.initiator.session->program_end();
        net.run();
        net.acceptor.session->program_end();
        net.run();
        EXPECT_EQ(net.received(net.acceptor), "question");
        EXPECT_EQ(net.received(net.initiator), "answer");
        EXPECT_EQ(net.initiator.ended, Verdict::authenticated);
        EXPECT_EQ(net.acceptor.ended, Verdict::authenticated);
    }
}

}  // namespace
}  // namespace mutual
