// SPDX-License-Identifier: Apache-2.0
#include "mutual/mutual.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <cstring>

#include "client/fake_broker.h"

namespace {

using mutual::client::FakeBroker;
using mutual::client::reply_of;
using namespace std::chrono_literals;

mutual::varlink::Reply opened(mutual::varlink::Call&) {
    auto reply =
        reply_of(R"({"channelFileDescriptor": 0, "channel": "c-1", "peer": "ledger/a@R", "self": "alice@R",
        "spn": "ledger/a", "expires": 99, "address": "10.0.0.9", "port": 4711})");
    reply.descriptors.push_back(std::move(mutual::varlink::socket_pair()->second));
    return reply;
}

TEST(Wrapper, GivesAChannelThatMoves) {
    FakeBroker broker({{"Open", opened}});
    mutual::Channel first = mutual::open({.service = "ledger",
                                          .keywords = {"a"},
                                          .host = "h",
                                          .credential_cache = "FILE:/c",
                                          .timeout = 1500ms,
                                          .socket = broker.socket()});
    const mutual::Channel channel = std::move(first);
    EXPECT_GE(channel.fd(), 0);
    EXPECT_STREQ(channel.peer(), "ledger/a@R");
    EXPECT_EQ(channel.expires().time_since_epoch(), 99s);
    EXPECT_EQ(broker.calls().at(0),
              R"(org.mutuald.Broker.Open {"request":{"service":"ledger","keywords":["a"],)"
              R"("host":"h","credentialCache":"FILE:/c","timeoutMilliseconds":1500}})");
}

TEST(Wrapper, OpensAnRpcProgramAndAsksByItsStamp) {
    FakeBroker broker({{"Open", opened}});
    (void)mutual::open({.socket = broker.socket(), .rpc_program = 7, .rpc_version = 2});
    EXPECT_THROW(mutual::whois_stamp("payroll", 9, broker.socket()), mutual::Failure);
    EXPECT_TRUE(broker.calls().at(0).starts_with(
        R"(org.mutuald.Broker.Open {"request":{"rpcProgram":7,"rpcVersion":2)"));
    EXPECT_EQ(broker.calls().at(1), R"(org.mutuald.Broker.WhoIs {"service":"payroll","stamp":9})");
}

TEST(Wrapper, ATimeOfZeroIsNotAWaitForEver) {
    FakeBroker broker({});
    EXPECT_THROW(mutual::accept({.service = "ledger", .timeout = 0ms, .socket = broker.socket()}),
                 mutual::Failure);
    EXPECT_EQ(broker.calls().at(0),
              R"(org.mutuald.Broker.Accept {"service":"ledger","timeoutMilliseconds":1})");
}

TEST(Wrapper, FinishesWithoutBlocking) {
    FakeBroker broker({{"Accept", opened}});
    auto pending = mutual::Pending::accept({.service = "ledger", .socket = broker.socket()});
    std::optional<mutual::Channel> channel;
    while (!(channel = pending.finish())) {
        pollfd entry{pending.fd(), POLLIN, 0};
        ASSERT_EQ(::poll(&entry, 1, 5000), 1);
    }
    EXPECT_STREQ(channel->address(), "10.0.0.9");
    EXPECT_EQ(channel->port(), 4711);
}

TEST(Wrapper, ThrowsWhatWentWrong) {
    FakeBroker broker({{"Open", [](mutual::varlink::Call&) {
                            return mutual::varlink::failure(
                                "org.mutuald.Broker",
                                {mutual::Code::denied, mutual::Stage::policy, "no rule", "ask for one"});
                        }}});
    try {
        mutual::open({.service = "ledger", .socket = broker.socket()});
        FAIL() << "it opened";
    } catch (const mutual::Failure& thrown) {
        const mutual::Failure failure = thrown;
        EXPECT_EQ(failure.code(), MUTUAL_DENIED);
        EXPECT_STREQ(failure.what(), "no rule");
        EXPECT_STREQ(failure.hint(), "ask for one");
        EXPECT_STREQ(failure.stage(), "policy");
    }
}

TEST(Wrapper, ThrowsWhenTheEndIsNotKnown) {
    EXPECT_THROW(mutual::end(-1), mutual::Failure);
    EXPECT_THROW(mutual::whois("c-1", "/nonexistent"), mutual::Failure);
}

}  // namespace
