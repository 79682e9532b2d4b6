// SPDX-License-Identifier: Apache-2.0
// The C ABI against a broker of the test's: requests, channels, WhoIs and verdicts.
#include "mutual/mutual.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <memory>

#include "client/fake_broker.h"

extern "C" size_t request_size_in_c(void);

namespace mutual::client {
namespace {

struct Free {
    void operator()(mutual_channel* channel) const { mutual_channel_free(channel); }
    void operator()(mutual_error* error) const { mutual_error_free(error); }
    void operator()(mutual_pending* pending) const { mutual_pending_free(pending); }
};
using ChannelPointer = std::unique_ptr<mutual_channel, Free>;
using ErrorPointer = std::unique_ptr<mutual_error, Free>;
using PendingPointer = std::unique_ptr<mutual_pending, Free>;

struct Got {
    mutual_code code;
    ChannelPointer channel;
    ErrorPointer error;
};

template <class Function, class... Arguments>
Got got(Function function, Arguments... arguments) {
    mutual_channel* channel = nullptr;
    mutual_error* error = nullptr;
    const mutual_code code = function(arguments..., &channel, &error);
    return {code, ChannelPointer(channel), ErrorPointer(error)};
}

mutual_request request_to(const FakeBroker& broker) {
    mutual_request request = MUTUAL_REQUEST_INIT;
    request.service = "ledger";
    request.socket = broker.socket().c_str();
    return request;
}

class Library : public ::testing::Test {
protected:
    Library() { ::unsetenv("KRB5CCNAME"); }

    // A reply to Open or Accept whose descriptor's other end is `peer_`.
    FakeBroker::Method gives(const char* more) {
        return [this, more](varlink::Call&) {
            auto pair = varlink::socket_pair();
            varlink::Reply reply = reply_of(std::string(R"({"channelFileDescriptor": 0, "channel": "c-1",
                "peer": "ledger/a@R", "self": "alice@R", "spn": "ledger/a", "expires": 99)") +
                                            more + "}");
            peer_ = std::move(pair->first);
            reply.descriptors.push_back(std::move(pair->second));
            return reply;
        };
    }
    static FakeBroker::Method tells(std::string verdict) {
        return [verdict](varlink::Call&) {
            return reply_of(
                R"({"channel": {"channel": "c-1", "role": "acceptor", "service": "ledger", "rule": "r",
                "callerUid": 7, "peer": "alice@R", "self": "ledger/a@R", "spn": "ledger/a", "transport": "sockets",
                "address": "10.0.0.2", "port": 700, "started": 1, "expires": 2, "ended": 3, "bytesFromPeer": 4,
                "bytesToPeer": 5, "verdict": )" +
                verdict + "}}");
        };
    }

    UniqueFd peer_;
};

TEST_F(Library, OpensAChannelWhoseDescriptorIsACallersWhenTaken) {
    FakeBroker broker({{"Open", gives("")}});
    const mutual_request request = request_to(broker);
    Got opened = got(mutual_open, &request);
    ASSERT_EQ(opened.code, MUTUAL_OK);
    ASSERT_EQ(opened.error, nullptr);
    const mutual_channel* channel = opened.channel.get();
    EXPECT_STREQ(mutual_channel_id(channel), "c-1");
    EXPECT_STREQ(mutual_channel_service(channel), "ledger");
    EXPECT_STREQ(mutual_channel_peer(channel), "ledger/a@R");
    EXPECT_STREQ(mutual_channel_self(channel), "alice@R");
    EXPECT_STREQ(mutual_channel_spn(channel), "ledger/a");
    EXPECT_STREQ(mutual_channel_address(channel), "");
    EXPECT_EQ(mutual_channel_port(channel), 0);
    EXPECT_EQ(mutual_channel_expires(channel), 99);
    EXPECT_EQ(mutual_channel_verdict(channel), MUTUAL_END_NOT_YET);
    const UniqueFd taken(mutual_channel_take_fd(opened.channel.get()));
    EXPECT_EQ(mutual_channel_fd(channel), -1);
    opened.channel.reset();
    EXPECT_EQ(::fcntl(taken.value(), F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(::send(taken.value(), "x", 1, MSG_NOSIGNAL), 1);
}

TEST_F(Library, OpensAnRpcProgramAndTellsWhichServiceThatIs) {
    FakeBroker broker({{"Open", gives(R"(, "explanation": {"request": "r-1", "service": "payroll",
                                          "callerUid": 7, "lines": [], "timings": []})")}});
    mutual_request request = request_to(broker);
    request.service = nullptr;
    request.rpc_program = 0x20000001;
    request.rpc_version = 2;
    const Got opened = got(mutual_open, &request);
    ASSERT_EQ(opened.code, MUTUAL_OK);
    EXPECT_STREQ(mutual_channel_service(opened.channel.get()), "payroll");
    EXPECT_EQ(broker.calls().at(0),
              R"(org.mutuald.Broker.Open {"request":{"rpcProgram":536870913,"rpcVersion":2}})");
}

TEST_F(Library, AsksByTheStampThatAnRpcServerGot) {
    FakeBroker broker({{"WhoIs", tells("null")}});
    const Got told = got(mutual_whois_stamp, "payroll", 4294967295U, broker.socket().c_str());
    ASSERT_EQ(told.code, MUTUAL_OK);
    EXPECT_STREQ(mutual_channel_peer(told.channel.get()), "alice@R");
    EXPECT_EQ(broker.calls().at(0), R"(org.mutuald.Broker.WhoIs {"service":"payroll","stamp":4294967295})");
}

TEST_F(Library, FreeingAChannelClosesItsDescriptor) {
    FakeBroker broker({{"Open", gives("")}});
    const mutual_request request = request_to(broker);
    got(mutual_open, &request).channel.reset();
    pollfd entry{peer_.value(), POLLIN, 0};  // the broker's thread may not have closed its copy yet
    ASSERT_EQ(::poll(&entry, 1, 5000), 1);
    char octet = 0;
    EXPECT_EQ(::recv(peer_.value(), &octet, 1, 0), 0);
}

TEST_F(Library, SendsEveryFieldThatIsSetAndTheEnvironmentsCache) {
    FakeBroker broker({});
    mutual_request request = request_to(broker);
    got(mutual_open, &request);
    ::setenv("KRB5CCNAME", "FILE:/env", 1);
    got(mutual_open, &request);
    request.credential_cache = "";
    got(mutual_open, &request);
    const char* keywords[] = {"a", "b", nullptr};
    request.keywords = keywords;
    request.instance = "i";
    request.host = "h";
    request.credential_cache = "DIR:/named";
    request.minimum_lifetime_seconds = 60;
    request.timeout_milliseconds = 1500;
    got(mutual_open, &request);
    const std::string open = R"(org.mutuald.Broker.Open {"request":{"service":"ledger")";
    EXPECT_EQ(broker.calls(),
              (std::vector<std::string>{
                  open + "}}", open + R"(,"credentialCache":"FILE:/env"}})", open + "}}",
                  open + R"(,"keywords":["a","b"],"instance":"i","host":"h","credentialCache":"DIR:/named",)"
                         R"("minimumLifetimeSeconds":60,"timeoutMilliseconds":1500}})"}));
}

TEST_F(Library, AcceptsAChannelAndTellsWhereItComesFrom) {
    FakeBroker broker({{"Accept", gives(R"(, "address": "10.0.0.9", "port": 4711)")}});
    const mutual_request request = request_to(broker);
    const Got accepted = got(mutual_accept, &request);
    ASSERT_EQ(accepted.code, MUTUAL_OK);
    EXPECT_STREQ(mutual_channel_address(accepted.channel.get()), "10.0.0.9");
    EXPECT_EQ(mutual_channel_port(accepted.channel.get()), 4711);
    EXPECT_EQ(broker.calls().at(0), R"(org.mutuald.Broker.Accept {"service":"ledger"})");
}

TEST_F(Library, FinishesInStepsOfAnEventLoop) {
    FakeBroker broker({{"Open", gives("")}});
    const mutual_request request = request_to(broker);
    mutual_pending* begun = nullptr;
    ASSERT_EQ(mutual_open_begin(&request, &begun, nullptr), MUTUAL_OK);
    const PendingPointer pending(begun);
    Got finished = got(mutual_finish, begun);
    while (finished.code == MUTUAL_AGAIN) {
        EXPECT_EQ(finished.channel, nullptr);
        EXPECT_EQ(finished.error, nullptr);
        pollfd entry{mutual_pending_fd(begun), POLLIN, 0};
        ASSERT_EQ(::poll(&entry, 1, 5000), 1);
        finished = got(mutual_finish, begun);
    }
    ASSERT_EQ(finished.code, MUTUAL_OK);
    EXPECT_STREQ(mutual_channel_peer(finished.channel.get()), "ledger/a@R");
    EXPECT_EQ(got(mutual_finish, begun).code, MUTUAL_INVALID_REQUEST);
}

TEST_F(Library, ABeginningOfAcceptMayBeCancelled) {
    FakeBroker broker({{"Accept", gives("")}});
    const mutual_request request = request_to(broker);
    mutual_pending* begun = nullptr;
    ASSERT_EQ(mutual_accept_begin(&request, &begun, nullptr), MUTUAL_OK);
    mutual_pending_free(begun);
}

TEST_F(Library, TellsEveryVerdict) {
    const std::pair<const char*, mutual_verdict> verdicts[] = {
        {"null", MUTUAL_END_NOT_YET},
        {R"("authenticated")", MUTUAL_END_AUTHENTICATED},
        {R"("unauthenticated")", MUTUAL_END_UNAUTHENTICATED},
        {R"("reset")", MUTUAL_END_RESET},
        {R"("expired")", MUTUAL_END_EXPIRED},
        {R"("denied")", MUTUAL_END_DENIED},
        {R"("not yet")", MUTUAL_END_UNKNOWN},
        {R"("a newer one")", MUTUAL_END_UNKNOWN}};
    const auto pair = varlink::socket_pair();
    ASSERT_TRUE(pair);
    for (const auto& [text, verdict] : verdicts) {
        FakeBroker broker({{"WhoIs", tells(text)}});
        mutual_error* error = nullptr;
        EXPECT_EQ(mutual_end(pair->first.value(), broker.socket().c_str(), &error), verdict) << text;
        const ErrorPointer owned(error);
        EXPECT_EQ(mutual_error_code(error), verdict == MUTUAL_END_UNKNOWN ? MUTUAL_PROTOCOL : MUTUAL_LIMIT);
        EXPECT_EQ(error == nullptr, verdict != MUTUAL_END_UNKNOWN);
    }
}

TEST_F(Library, AsksByTheCookieOfTheDescriptor) {
    const auto pair = varlink::socket_pair();
    ASSERT_TRUE(pair);
    FakeBroker broker({{"WhoIs", tells("null")}});
    const Got told = got(mutual_whois_fd, pair->first.value(), broker.socket().c_str());
    ASSERT_EQ(told.code, MUTUAL_OK);
    EXPECT_EQ(mutual_channel_fd(told.channel.get()), -1);
    EXPECT_STREQ(mutual_channel_address(told.channel.get()), "10.0.0.2");
    EXPECT_EQ(broker.calls().at(0), R"(org.mutuald.Broker.WhoIs {"cookie":)" +
                                        std::to_string(varlink::socket_cookie(pair->first.value())) + "}");
}

TEST_F(Library, AsksByTheIdOfTheChannel) {
    FakeBroker broker({{"WhoIs", tells(R"("reset")")}});
    const Got told = got(mutual_whois, "c-1", broker.socket().c_str());
    ASSERT_EQ(told.code, MUTUAL_OK);
    EXPECT_EQ(mutual_channel_verdict(told.channel.get()), MUTUAL_END_RESET);
    EXPECT_EQ(broker.calls().at(0), R"(org.mutuald.Broker.WhoIs {"channel":"c-1"})");
}

TEST_F(Library, TheRequestIsTheSameInCAndInCpp) { EXPECT_EQ(request_size_in_c(), sizeof(mutual_request)); }

}  // namespace
}  // namespace mutual::client
