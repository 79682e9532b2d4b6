// SPDX-License-Identifier: Apache-2.0
#include "wire/rpc_message.h"

#include <gtest/gtest.h>

#include "tests/fakes/host.h"

namespace mutual::wire {
namespace {

using fakes::bytes_of;
using fakes::text_of;
using Octets = std::vector<std::byte>;

// Words and text as octets.
Octets octets(std::initializer_list<std::uint32_t> words, std::string_view tail = {}) {
    XdrWriter out;
    for (const std::uint32_t word : words) out.number(word);
    out.raw(bytes_of(tail));
    return out.take();
}

TEST(RpcMessages, ACallIsReadAsRfc5531WritesIt) {
    // xid, CALL, RPC version, program, version, procedure, AUTH_SYS of 6 octets, AUTH_NONE, arguments
    Octets record = octets({7, 0, 2, 200001, 3, 4, 1, 6}, std::string("abcdef\0\0", 8));
    const Octets tail = octets({0, 0}, "arguments...");
    record.insert(record.end(), tail.begin(), tail.end());
    auto call = read_call(record);
    ASSERT_TRUE(call) << call.error().message;
    EXPECT_EQ(call->xid, 7U);
    EXPECT_EQ(call->program, 200001U);
    EXPECT_EQ(call->version, 3U);
    EXPECT_EQ(call->procedure, 4U);
    EXPECT_EQ(call->credential.flavor, AuthFlavor::sys);
    EXPECT_EQ(text_of(call->credential.body), "abcdef");
    EXPECT_EQ(call->verifier.flavor, AuthFlavor::none);
    EXPECT_EQ(call->head.size(), 40U);
    EXPECT_EQ(text_of(call->arguments), "arguments...");
}

TEST(RpcMessages, WhatIsWrittenIsRead) {
    XdrWriter out;
    put_call(out, 1, 2, 3, 4);
    put_auth(out, AuthFlavor::gss, bytes_of("credential"));
    put_auth(out, AuthFlavor::gss, bytes_of("mic"));
    out.raw(bytes_of("body"));
    Octets record = out.take();
    auto call = read_call(record);
    ASSERT_TRUE(call);
    EXPECT_EQ(call->procedure, 4U);
    EXPECT_EQ(text_of(call->credential.body), "credential");
    EXPECT_EQ(text_of(call->verifier.body), "mic");
    EXPECT_EQ(text_of(call->arguments), "body");
}

TEST(RpcMessages, ACallOfAnotherRpcVersionIsKnownForOne) {
    Octets record = octets({7, 0, 3});
    auto call = read_call(record);
    ASSERT_TRUE(call);
    EXPECT_EQ(call->rpc, 3U);
    EXPECT_EQ(call->xid, 7U);
}

TEST(RpcMessages, EveryCutOfACallIsRefused) {
    const Octets whole = octets({7, 0, 2, 200001, 3, 4, 0, 0, 0, 0});
    for (std::size_t size = 0; size < whole.size(); ++size) {
        Octets record(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        const auto call = read_call(record);
        ASSERT_FALSE(call) << size;
        EXPECT_EQ(call.error().code, Code::protocol);
    }
    Octets record = whole;
    EXPECT_TRUE(read_call(record));
}

TEST(RpcMessages, ACredentialOrVerifierHasAtMost400Octets) {
    for (const std::size_t size : {400U, 401U}) {
        XdrWriter out;
        put_call(out, 1, 2, 3, 4);
        put_auth(out, AuthFlavor::none, {});
        put_auth(out, AuthFlavor::gss, bytes_of(std::string(size, 'v')));
        Octets record = out.take();
        EXPECT_EQ(bool(read_call(record)), size == 400);
        XdrWriter other;
        put_call(other, 1, 2, 3, 4);
        put_auth(other, AuthFlavor::gss, bytes_of(std::string(size, 'c')));
        put_auth(other, AuthFlavor::none, {});
        record = other.take();
        EXPECT_EQ(bool(read_call(record)), size == 400);
    }
}

TEST(RpcMessages, ALengthBeyondTheRecordIsNotFollowed) {
    Octets record = octets({7, 0, 2, 200001, 3, 4, 1, 0xfffffffc});
    EXPECT_FALSE(read_call(record));
}

TEST(RpcMessages, CallsAndRepliesAreNotTakenForEachOther) {
    Octets call = octets({7, 0, 2, 200001, 3, 4, 0, 0, 0, 0});
    Octets reply = octets({7, 1, 0, 0, 0, 0});
    const auto as_reply = read_reply(call);
    const auto as_call = read_call(reply);
    ASSERT_FALSE(as_reply);
    ASSERT_FALSE(as_call);
    EXPECT_NE(as_reply.error().message.find("a call where a reply"), std::string::npos);
    EXPECT_NE(as_call.error().message.find("a reply where a call"), std::string::npos);
}

TEST(RpcMessages, RepliesOfEveryKindAreReadAsTheyAreWritten) {
    Octets mic = bytes_of("mic!");
    const OpaqueAuth verifier{AuthFlavor::gss, mic};
    XdrWriter success;
    put_accepted(success, 9, verifier, AcceptStatus::success);
    success.raw(bytes_of("results."));
    Octets record = success.take();
    auto reply = read_reply(record);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->xid, 9U);
    EXPECT_EQ(reply->verifier.flavor, AuthFlavor::gss);
    EXPECT_EQ(text_of(reply->verifier.body), "mic!");
    EXPECT_EQ(text_of(reply->results), "results.");

    XdrWriter mismatch;
    put_accepted(mismatch, 9, verifier, AcceptStatus::program_mismatch);
    mismatch.number(2);
    mismatch.number(5);
    record = mismatch.take();
    reply = read_reply(record);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, AcceptStatus::program_mismatch);
    EXPECT_EQ(reply->low, 2U);
    EXPECT_EQ(reply->high, 5U);

    XdrWriter weak;
    put_auth_error(weak, 9, AuthStatus::too_weak);
    record = weak.take();
    reply = read_reply(record);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->kind, Reply::Kind::auth_error);
    EXPECT_EQ(to_text(reply->why), "AUTH_TOOWEAK");

    XdrWriter version;
    put_rpc_mismatch(version, 9);
    record = version.take();
    reply = read_reply(record);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->kind, Reply::Kind::rpc_mismatch);
    EXPECT_EQ(reply->high, 2U);
}

TEST(RpcMessages, WrongFieldsOfRepliesAreRefused) {
    const std::vector<Octets> wrong{
        octets({9, 1}),                 // cut
        octets({9, 2, 0, 0, 0, 0}),     // neither call nor reply
        octets({9, 1, 2, 0, 0, 0}),     // neither accepted nor denied
        octets({9, 1, 0, 0, 0}),        // no accept status
        octets({9, 1, 0, 0, 0, 6}),     // no such accept status
        octets({9, 1, 0, 0, 0, 1, 0}),  // something follows where nothing may
        octets({9, 1, 0, 0, 0, 2, 1}),  // one version instead of two
        octets({9, 1, 0, 6, 404, 0}),   // verifier too long
        octets({9, 1, 1, 2, 1}),        // no such reject status
        octets({9, 1, 1, 0, 2}),        // cut
        octets({9, 1, 1, 1}),           // no reason
        octets({9, 1, 1, 1, 5, 5}),     // something follows
    };
    for (std::size_t i = 0; i < wrong.size(); ++i) {
        Octets record = wrong[i];
        const auto reply = read_reply(record);
        ASSERT_FALSE(reply) << i;
        EXPECT_EQ(reply.error().code, Code::protocol) << i;
    }
}

}  // namespace
}  // namespace mutual::wire
