// SPDX-License-Identifier: Apache-2.0
#include "client/broker_client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "client/fake_broker.h"

namespace mutual::client {
namespace {

constexpr const char* explanation =
    R"({"request": "r-1", "service": "ledger", "callerUid": 1000,
        "lines": [{"stage": "policy", "decision": "allowed", "message": "rule 'staff'", "microseconds": 120}],
        "timings": [{"stage": "policy", "microseconds": 80}], "later": "field of a newer broker"})";

constexpr const char* channel =
    R"({"channel": "c-1", "role": "initiator", "service": "ledger", "rule": "staff", "callerUid": 1000,
        "peer": "ledger/a@R", "self": "alice@R", "spn": "ledger/a", "transport": "sockets", "address": "10.0.0.2",
        "port": 700, "started": 1, "expires": 2, "ended": 3, "verdict": "authenticated", "bytesFromPeer": 4,
        "bytesToPeer": 5, "calls": 6})";

varlink::Reply opened_reply(UniqueFd descriptor) {
    varlink::Reply reply = reply_of(std::string(R"({"channelFileDescriptor": 0, "channel": "c-1",
        "peer": "ledger/a@R", "self": "alice@R", "spn": "ledger/a", "expires": 99, "explanation": )") +
                                    explanation + "}");
    if (descriptor) reply.descriptors.push_back(std::move(descriptor));
    return reply;
}

BrokerClient connected(const FakeBroker& broker) {
    auto client = BrokerClient::connect(broker.socket());
    EXPECT_TRUE(client);
    return std::move(*client);
}

TEST(BrokerClient, OpensAChannelAndGivesItsDescriptor) {
    auto pair = varlink::socket_pair();
    ASSERT_TRUE(pair);
    FakeBroker broker({{"Open", [&](varlink::Call&) { return opened_reply(std::move(pair->second)); }}});
    auto answer = connected(broker).open({.service = "ledger"});
    ASSERT_TRUE(answer.result) << answer.result.error().message;
    EXPECT_EQ(answer.result->peer, "ledger/a@R");
    EXPECT_EQ(answer.result->expires, 99);
    ASSERT_EQ(::send(pair->first.value(), "x", 1, 0), 1);
    char octet = 0;
    EXPECT_EQ(::recv(answer.result->fd.value(), &octet, 1, 0), 1);
    ASSERT_TRUE(answer.explanation);
    EXPECT_EQ(answer.explanation->lines.at(0).message, "rule 'staff'");
    EXPECT_EQ(answer.explanation->lines.at(0).at.count(), 120);
}

TEST(BrokerClient, SendsEveryFieldOfTheRequestThatIsSet) {
    FakeBroker broker({});
    Request request{.service = "ledger",
                    .keywords = {"a", "b"},
                    .instance = "i",
                    .host = "h",
                    .credential_cache = "FILE:/c",
                    .minimum_lifetime = std::chrono::seconds(60),
                    .timeout = std::chrono::milliseconds(1500)};
    (void)connected(broker).plan(request);
    (void)connected(broker).find({.service = "ledger"});
    (void)connected(broker).find({.rpc_program = 4294967295U, .rpc_version = 0});
    EXPECT_EQ(
        broker.calls(),
        (std::vector<std::string>{
            R"(org.mutuald.Broker.Plan {"request":{"service":"ledger","keywords":["a","b"],"instance":"i",)"
            R"("host":"h","credentialCache":"FILE:/c","minimumLifetimeSeconds":60,"timeoutMilliseconds":1500}})",
            R"(org.mutuald.Broker.Find {"request":{"service":"ledger"}})",
            R"(org.mutuald.Broker.Find {"request":{"rpcProgram":4294967295,"rpcVersion":0}})"}));
}

TEST(BrokerClient, RefusesAReplyWithoutItsDescriptor) {
    FakeBroker broker({{"Open", [&](varlink::Call&) { return opened_reply({}); }}});
    const auto answer = connected(broker).open({.service = "ledger"});
    ASSERT_FALSE(answer.result);
    EXPECT_EQ(answer.result.error().code, Code::protocol);
}

TEST(BrokerClient, ReadsAChannelAndItsVerdict) {
    FakeBroker broker({{"WhoIs", [&](varlink::Call&) {
                            return reply_of(std::string(R"({"channel": )") + channel + "}");
                        }}});
    const auto answer = connected(broker).whois("c-1");
    ASSERT_TRUE(answer.result) << answer.result.error().message;
    EXPECT_EQ(answer.result->verdict, "authenticated");
    EXPECT_EQ(answer.result->bytes_to_peer, 5);
    EXPECT_EQ(answer.result->calls, 6);
    (void)connected(broker).whois_stamp("payroll", 7);
    EXPECT_EQ(broker.calls(),
              (std::vector<std::string>{R"(org.mutuald.Broker.WhoIs {"channel":"c-1"})",
                                        R"(org.mutuald.Broker.WhoIs {"service":"payroll","stamp":7})"}));
}

TEST(BrokerClient, RefusesAChannelOfAWrongShape) {
    FakeBroker broker(
        {{"WhoIs", [&](varlink::Call&) { return reply_of(R"({"channel": {"channel": 7}})"); }}});
    const auto answer = connected(broker).whois("c-1");
    ASSERT_FALSE(answer.result);
    EXPECT_EQ(answer.result.error().code, Code::protocol);
    EXPECT_NE(answer.result.error().message.find("'channel'"), std::string::npos);
}

TEST(BrokerClient, ReadsTheExplanationOfARefusal) {
    FakeBroker broker({{"Open", [&](varlink::Call&) {
                            varlink::Reply reply = varlink::failure(
                                broker_name, Error(Code::wrong_peer, Stage::handshake, "said other", "look"));
                            reply.parameters["explanation"] = reply_of(explanation).parameters;
                            return reply;
                        }}});
    const auto answer = connected(broker).open({.service = "ledger"});
    ASSERT_FALSE(answer.result);
    EXPECT_EQ(answer.result.error(), Error(Code::wrong_peer, Stage::handshake, "said other", "look"));
    ASSERT_TRUE(answer.explanation);
    EXPECT_EQ(answer.explanation->request, "r-1");
    EXPECT_FALSE(answer.connection_lost);
}

TEST(BrokerClient, TellsALostConnectionFromARefusal) {
    FakeBroker broker({{"Accept", [&](varlink::Call&) {
                            varlink::Reply reply;
                            reply.error = "hang up";
                            return reply;
                        }}});
    const auto answer = connected(broker).accept("ledger", std::nullopt);
    ASSERT_FALSE(answer.result);
    EXPECT_TRUE(answer.connection_lost);
}

TEST(BrokerClient, ReadsTheStatusAndTheListOfChannels) {
    FakeBroker broker(
        {{"Status",
          [&](varlink::Call&) {
              return reply_of(
                  R"({"version": "1", "pid": 2, "uptimeSeconds": 3, "services": ["a"], "channels": 4,
                                  "parts": [{"name": "keys", "state": "running", "pid": 5, "detail": ""}]})");
          }},
         {"ListChannels", [&](varlink::Call&) {
              return reply_of(std::string(R"({"channels": [)") + channel + "," + channel + "]}");
          }}});
    auto client = connected(broker);
    const auto status = client.status();
    ASSERT_TRUE(status.result);
    EXPECT_EQ(status.result->parts.at(0).name, "keys");
    const auto channels = client.list_channels();
    ASSERT_TRUE(channels.result);
    EXPECT_EQ(channels.result->size(), 2U);
}

TEST(BrokerClient, NamesTheSocketAndTheRemedyWhenNobodyServesIt) {
    const auto client = BrokerClient::connect("/nonexistent/mutuald.sock");
    ASSERT_FALSE(client);
    EXPECT_NE(client.error().message.find("/nonexistent/mutuald.sock"), std::string::npos);
    EXPECT_NE(client.error().hint.find("systemctl start mutuald"), std::string::npos);
    EXPECT_NE(client.error().hint.find("mutuald --all"), std::string::npos);
}

TEST(BrokerWire, RemovesTheFieldsThatIndexDescriptors) {
    const auto kept = without_descriptors({{"a", 1}, {"channelFileDescriptor", 0}, {"b", 2}});
    EXPECT_EQ(kept, (json::object{{"a", 1}, {"b", 2}}));
}

}  // namespace
}  // namespace mutual::client
