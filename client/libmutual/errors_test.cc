// SPDX-License-Identifier: Apache-2.0
// How the C ABI tells what went wrong.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>

#include "client/fake_broker.h"
#include "mutual/mutual.h"

namespace mutual::client {
namespace {

// The error of an Open, which has to fail.
class Failed {
public:
    explicit Failed(const mutual_request* request) {
        mutual_channel* channel = nullptr;
        code = mutual_open(request, &channel, &error);
        EXPECT_EQ(channel, nullptr);
        EXPECT_NE(code, MUTUAL_OK);
    }
    ~Failed() { mutual_error_free(error); }
    Failed(const Failed&) = delete;
    Failed& operator=(const Failed&) = delete;

    mutual_code code;
    mutual_error* error = nullptr;
};

mutual_request request_to(const char* socket) {
    mutual_request request = MUTUAL_REQUEST_INIT;
    request.service = "ledger";
    request.socket = socket;
    return request;
}

TEST(LibraryErrors, HaveTheBrokersNamesInItsOrder) {
    for (std::size_t i = 0; i < code_names.size(); ++i) {
        FakeBroker broker({{"Open", [&](varlink::Call&) {
                                return varlink::failure("org.mutuald.Broker",
                                                        {static_cast<Code>(i), Stage::trust, "m", "h"});
                            }}});
        const mutual_request request = request_to(broker.socket().c_str());
        const Failed failed(&request);
        EXPECT_EQ(failed.code, static_cast<int>(i) + 1);
        EXPECT_EQ(mutual_error_code(failed.error), failed.code);
        EXPECT_EQ(mutual_code_name(failed.code), code_names[i]);
    }
    EXPECT_STREQ(mutual_code_name(MUTUAL_OK), "OK");
    EXPECT_STREQ(mutual_code_name(MUTUAL_AGAIN), "Again");
    EXPECT_STREQ(mutual_code_name(static_cast<mutual_code>(24)), "Unknown");
    EXPECT_STREQ(mutual_code_name(static_cast<mutual_code>(-2)), "Unknown");
}

TEST(LibraryErrors, TellAllThatTheBrokerTold) {
    FakeBroker broker({{"Open", [](varlink::Call&) {
                            auto reply =
                                varlink::failure("org.mutuald.Broker",
                                                 {Code::wrong_peer, Stage::handshake, "said\x1b[m", "look"});
                            reply.parameters["explanation"] =
                                reply_of(R"({"request": "r-1", "service": "ledger", "callerUid": 1000,
                "lines": [{"stage": "policy", "decision": "allowed", "message": "rule 'staff'", "microseconds": 1},
                    {"stage": "handshake", "decision": "failed", "message": "two\nlines", "microseconds": 2}],
                "timings": []})")
                                    .parameters;
                            return reply;
                        }}});
    const mutual_request request = request_to(broker.socket().c_str());
    const Failed failed(&request);
    EXPECT_EQ(failed.code, MUTUAL_WRONG_PEER);
    EXPECT_STREQ(mutual_error_stage(failed.error), "handshake");
    EXPECT_STREQ(mutual_error_message(failed.error), "said\\x1b[m");
    EXPECT_STREQ(mutual_error_hint(failed.error), "look");
    EXPECT_STREQ(mutual_error_request(failed.error), "r-1");
    EXPECT_STREQ(mutual_error_explanation(failed.error),
                 "policy allowed: rule 'staff'\nhandshake failed: two\\x0alines\n");
}

TEST(LibraryErrors, SayWhenNoDaemonIsThere) {
    const mutual_request request = request_to("/nonexistent/mutuald.sock");
    const Failed failed(&request);
    EXPECT_EQ(failed.code, MUTUAL_UNAVAILABLE);
    EXPECT_NE(std::strstr(mutual_error_message(failed.error), "/nonexistent/mutuald.sock"), nullptr);
    EXPECT_NE(std::strstr(mutual_error_hint(failed.error), "is mutuald running?"), nullptr);
    EXPECT_STREQ(mutual_error_request(failed.error), "");
}

TEST(LibraryErrors, SayWithoutAnObjectThatThereWasNoMemory) {
    EXPECT_EQ(mutual_error_code(nullptr), MUTUAL_LIMIT);
    EXPECT_STREQ(mutual_error_stage(nullptr), "request");
    EXPECT_STREQ(mutual_error_message(nullptr), "out of memory");
    EXPECT_STREQ(mutual_error_hint(nullptr), "");
    EXPECT_STREQ(mutual_error_request(nullptr), "");
    EXPECT_STREQ(mutual_error_explanation(nullptr), "");
    mutual_error_free(nullptr);
}

TEST(LibraryErrors, RefuseARequestThatIsNone) {
    mutual_request nameless = MUTUAL_REQUEST_INIT;
    mutual_request sizeless = request_to("/nonexistent");
    sizeless.size = 0;
    for (const mutual_request* request : {static_cast<mutual_request*>(nullptr), &nameless, &sizeless})
        EXPECT_EQ(Failed(request).code, MUTUAL_INVALID_REQUEST);
    EXPECT_EQ(mutual_open(&nameless, nullptr, nullptr), MUTUAL_INVALID_REQUEST);
    EXPECT_EQ(mutual_whois(nullptr, nullptr, nullptr, nullptr), MUTUAL_INVALID_REQUEST);
    EXPECT_EQ(mutual_whois_stamp(nullptr, 1, nullptr, nullptr, nullptr), MUTUAL_INVALID_REQUEST);
    EXPECT_EQ(mutual_end(-1, "/nonexistent", nullptr), MUTUAL_END_UNKNOWN);
}

TEST(LibraryErrors, RefuseWhatAcceptDoesNotTake) {
    mutual_request request = request_to("/nonexistent");
    request.host = "h";
    mutual_channel* channel = nullptr;
    EXPECT_EQ(mutual_accept(&request, &channel, nullptr), MUTUAL_INVALID_REQUEST);
    request = request_to("/nonexistent");
    request.rpc_program = 7;
    EXPECT_EQ(mutual_accept(&request, &channel, nullptr), MUTUAL_INVALID_REQUEST);
}

// A program that was built with a newer mutual.h.
struct NewerRequest {
    mutual_request known;
    const char* later;
};

TEST(LibraryErrors, RefuseAFieldOfANewerVersionUnlessItIsUnset) {
    NewerRequest request{request_to("/nonexistent"), nullptr};
    request.known.size = sizeof request;
    EXPECT_EQ(Failed(&request.known).code, MUTUAL_UNAVAILABLE);
    request.later = "set";
    EXPECT_EQ(Failed(&request.known).code, MUTUAL_INVALID_REQUEST);
}

TEST(LibraryErrors, TakeARequestOfAnOlderVersion) {
    mutual_request request = request_to("/nonexistent");
    request.size = offsetof(mutual_request, socket);  // the socket is not read then: it is the default one
    request.service = "";
    EXPECT_EQ(Failed(&request).code, MUTUAL_INVALID_REQUEST);
    request.size = offsetof(mutual_request, rpc_program);  // as the first version was
    request.rpc_program = 7;
    EXPECT_EQ(Failed(&request).code, MUTUAL_INVALID_REQUEST);
}

}  // namespace
}  // namespace mutual::client
