// SPDX-License-Identifier: Apache-2.0
#include "client/pending_channel.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "client/fake_broker.h"

namespace mutual::client {
namespace {

using namespace std::chrono_literals;

varlink::Reply accepted_reply() {
    varlink::Reply reply = reply_of(R"({"channelFileDescriptor": 0, "channel": "c-2", "peer": "alice@R",
        "self": "ledger/a@R", "spn": "ledger/a", "address": "10.0.0.9", "port": 4711, "expires": 99})");
    reply.descriptors.push_back(std::move(varlink::socket_pair()->second));
    return reply;
}

varlink::Reply hang_up() {
    varlink::Reply reply;
    reply.error = "hang up";
    return reply;
}

bool readable(int fd, int milliseconds) {
    pollfd entry{fd, POLLIN, 0};
    return ::poll(&entry, 1, milliseconds) == 1;
}

TEST(PendingChannel, IsNotReadableBeforeTheBrokerAnswers) {
    auto listener = varlink::listen_unix("/tmp/mutual-pending-" + std::to_string(::getpid()), 0600);
    ASSERT_TRUE(listener);
    const std::string path = "/tmp/mutual-pending-" + std::to_string(::getpid());
    auto call = PendingChannel::open(path, {.service = "ledger"});
    ASSERT_TRUE(call);
    EXPECT_FALSE(readable(call->fd(), 0));
    EXPECT_FALSE(call->advance());
    varlink::BlockingConnection server(
        UniqueFd(::accept4(listener->value(), nullptr, nullptr, SOCK_NONBLOCK)));
    auto received = server.receive();
    ASSERT_TRUE(received && *received);
    EXPECT_EQ((*received)->method, "org.mutuald.Broker.Open");
    ASSERT_TRUE(server.reply(varlink::failure(broker_name, Error(Code::denied, Stage::policy, "no", ""))));
    ASSERT_TRUE(readable(call->fd(), 5000));
    const auto answer = call->advance();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->result.error().code, Code::denied);
    ::unlink(path.c_str());
}

TEST(PendingChannel, KeepsAHalfOfAReplyUntilTheRestComes) {
    const std::string path = "/tmp/mutual-pending-" + std::to_string(::getpid());
    auto listener = varlink::listen_unix(path, 0600);
    ASSERT_TRUE(listener);
    auto call = PendingChannel::open(path, {.service = "ledger"});
    ASSERT_TRUE(call);
    const UniqueFd server(::accept(listener->value(), nullptr, nullptr));
    const std::string reply =
        R"({"error": "org.mutuald.Broker.NotFound", "parameters": {"message": "none"}})";
    const std::string_view bytes(reply.c_str(), reply.size() + 1);
    for (const char octet : bytes.substr(0, bytes.size() - 1)) {
        ASSERT_EQ(::send(server.value(), &octet, 1, 0), 1);
        ASSERT_FALSE(call->advance());
    }
    ASSERT_EQ(::send(server.value(), "", 1, 0), 1);
    const auto answer = call->advance();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->result.error(), Error(Code::not_found, Stage::request, "none"));
    ::unlink(path.c_str());
}

TEST(PendingChannel, AcceptGoesOnWhenTheBrokerHangsUpAndIsBack) {
    int calls = 0;
    FakeBroker broker(
        {{"Accept", [&](varlink::Call&) { return ++calls < 3 ? hang_up() : accepted_reply(); }}});
    auto call = PendingChannel::accept(broker.socket(), "ledger", 20s);
    ASSERT_TRUE(call);
    const int fd = call->fd();
    const auto answer = call->wait();
    ASSERT_TRUE(answer.result) << answer.result.error().message;
    EXPECT_EQ(answer.result->address, "10.0.0.9");
    EXPECT_EQ(call->fd(), fd);
    EXPECT_EQ(broker.calls().size(), 3U);
    EXPECT_TRUE(broker.calls().at(2).starts_with(
        R"(org.mutuald.Broker.Accept {"service":"ledger","timeoutMilliseconds":1)"))
        << broker.calls().at(2);
}

TEST(PendingChannel, AcceptGivesUpWhenTheTimeIsOverAndTheBrokerIsNotBack) {
    FakeBroker broker({{"Accept", [&](varlink::Call&) { return hang_up(); }}});
    auto call = PendingChannel::accept(broker.socket(), "ledger", 120ms);
    ASSERT_TRUE(call);
    const auto answer = call->wait();
    ASSERT_FALSE(answer.result);
    EXPECT_EQ(answer.result.error().code, Code::timed_out);
}

TEST(PendingChannel, OpenIsNotRepeatedWhenTheBrokerHangsUp) {
    FakeBroker broker({{"Open", [&](varlink::Call&) { return hang_up(); }}});
    auto call = PendingChannel::open(broker.socket(), {.service = "ledger"});
    ASSERT_TRUE(call);
    const auto answer = call->wait();
    ASSERT_FALSE(answer.result);
    EXPECT_EQ(answer.result.error().code, Code::unavailable);
    EXPECT_EQ(broker.calls().size(), 1U);
}

TEST(PendingChannel, WaitsForPlaceInAFullQueue) {
    const std::string path = "/tmp/mutual-pending-" + std::to_string(::getpid());
    auto listener = varlink::listen_unix(path, 0600);
    ASSERT_TRUE(listener);
    ASSERT_EQ(::listen(listener->value(), 0), 0);
    const auto filler = varlink::connect_unix(path, varlink::no_deadline);
    ASSERT_TRUE(filler);
    auto call = PendingChannel::open(path, {.service = "ledger", .timeout = 20s});
    ASSERT_TRUE(call) << call.error().message;
    EXPECT_FALSE(call->advance());
    const UniqueFd first(::accept(listener->value(), nullptr, nullptr));
    ASSERT_TRUE(readable(call->fd(), 5000));
    EXPECT_FALSE(call->advance());
    varlink::BlockingConnection second(
        UniqueFd(::accept4(listener->value(), nullptr, nullptr, SOCK_NONBLOCK)));
    const auto received = second.receive();
    ASSERT_TRUE(received && *received);
    ::unlink(path.c_str());
}

TEST(PendingChannel, RefusesARequestThatNoBrokerAccepts) {
    FakeBroker broker({});
    const auto call = PendingChannel::open(broker.socket(), {.service = std::string(4 << 20, 'x')});
    ASSERT_FALSE(call);
    EXPECT_EQ(call.error().code, Code::limit);
}

TEST(PendingChannel, NamesTheSocketAndTheRemedyWhenNobodyServesIt) {
    const auto call = PendingChannel::open("/nonexistent/mutuald.sock", {.service = "ledger"});
    ASSERT_FALSE(call);
    EXPECT_EQ(call.error().code, Code::unavailable);
    EXPECT_NE(call.error().message.find("/nonexistent/mutuald.sock"), std::string::npos);
    EXPECT_NE(call.error().hint.find("systemctl start mutuald"), std::string::npos);
}

}  // namespace
}  // namespace mutual::client
