// SPDX-License-Identifier: Apache-2.0
// An authenticated peer that breaks the protection of its records: what the program sees, and the verdict.
#include <gssapi/gssapi.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "daemon/channel/harness.h"

namespace mutual::channel {
namespace {

using namespace testing;

// A peer, played by hand, behind a finished handshake.
class AuthenticatedPeer : public ::testing::Test {
protected:
    AuthenticatedPeer() : peer_(RawPeer::connected_to(world_.listen_endpoint())) {
        peer_.send_frame(handshake_->step({}).token);
        done_ = handshake_->step(peer_.receive_frame()).done;
        program_ = world_.neighbours.next_program();
        channel_ = world_.neighbours.last_channel();
    }

    Token wrapped(const std::string& text, bool confidential = true) {
        gss_buffer_desc plain{text.size(), const_cast<char*>(text.data())};
        gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
        OM_uint32 minor = 0;
        int encrypted = 0;
        gss_wrap(&minor, handshake_->context(), confidential ? 1 : 0, GSS_C_QOP_DEFAULT, &plain, &encrypted,
                 &token);
        const auto* bytes = static_cast<const std::byte*>(token.value);
        Token result(bytes, bytes + token.length);
        gss_release_buffer(&minor, &token);
        return result;
    }
    std::string unwrapped(const Token& token) {
        gss_buffer_desc sealed{token.size(), const_cast<std::byte*>(token.data())};
        gss_buffer_desc plain = GSS_C_EMPTY_BUFFER;
        OM_uint32 minor = 0;
        EXPECT_EQ(gss_unwrap(&minor, handshake_->context(), &sealed, &plain, nullptr, nullptr),
                  GSS_S_COMPLETE);
        std::string text(static_cast<const char*>(plain.value), plain.length);
        gss_release_buffer(&minor, &plain);
        return text;
    }

    World world_;
    std::unique_ptr<Handshake> handshake_ = world_.realm.handshake(Role::initiator);
    RawPeer peer_;
    bool done_ = false;
    UniqueFd program_;
    std::string channel_;
};

TEST_F(AuthenticatedPeer, TalksWithPlainWrapAndUnwrap) {
    ASSERT_TRUE(done_);
    peer_.send_frame(wrapped("question"));
    EXPECT_EQ(receive_exactly(program_.value(), 8), "question");
    send_all(program_.value(), "answer");
    EXPECT_EQ(unwrapped(peer_.receive_frame()), "answer");
}

TEST_F(AuthenticatedPeer, FT_085_SendingIntegrityOnlyIsReset) {
    peer_.send_frame(wrapped("clear", false));
    EXPECT_EQ(receive_to_end(program_.value()), "");
    EXPECT_TRUE(world_.ends(channel_, "reset"));
}

TEST_F(AuthenticatedPeer, FT_085_SendingClearTextIsReset) {
    send_all(peer_.socket(), "GET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(receive_to_end(program_.value()), "");
    EXPECT_TRUE(world_.ends(channel_, "reset"));
}

TEST_F(AuthenticatedPeer, FT_086_SendingAnAlteredRecordIsReset) {
    auto record = wrapped("pay 1");
    record.back() ^= std::byte{1};
    peer_.send_frame(record);
    EXPECT_EQ(receive_to_end(program_.value()), "");
    EXPECT_TRUE(world_.ends(channel_, "reset"));
}

TEST_F(AuthenticatedPeer, FT_086_ReplayingARecordIsReset) {
    const auto record = wrapped("pay 1");
    peer_.send_frame(record);
    EXPECT_EQ(receive_exactly(program_.value(), 5), "pay 1");
    peer_.send_frame(record);
    EXPECT_EQ(receive_to_end(program_.value()), "");
    EXPECT_TRUE(world_.ends(channel_, "reset"));
}

TEST_F(AuthenticatedPeer, FT_086_ReorderingRecordsIsReset) {
    const auto first = wrapped("1");
    peer_.send_frame(wrapped("2"));
    peer_.send_frame(first);
    EXPECT_EQ(receive_to_end(program_.value()), "");
    EXPECT_TRUE(world_.ends(channel_, "reset"));
}

TEST_F(AuthenticatedPeer, FT_083_AnnouncingAnImpossibleRecordIsReset) {
    send_all(peer_.socket(), "\xff\xff\xff\xff");
    EXPECT_EQ(receive_to_end(program_.value()), "");
    EXPECT_TRUE(world_.ends(channel_, "reset"));
}

TEST_F(AuthenticatedPeer, ClosingWithoutSayingSoIsUnauthenticated) {
    peer_.send_frame(wrapped("cut"));
    ::shutdown(peer_.socket(), SHUT_WR);
    EXPECT_EQ(receive_to_end(program_.value()), "cut");
    EXPECT_EQ(verdict_of(world_.who_is(channel_)), "unauthenticated");
}

TEST_F(AuthenticatedPeer, BreakingTheConnectionIsReset) {
    peer_.send_frame(wrapped("cut"));
    EXPECT_EQ(receive_exactly(program_.value(), 3), "cut");
    const linger none{1, 0};
    ::setsockopt(peer_.socket(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
    peer_.close();
    EXPECT_EQ(receive_to_end(program_.value()), "");
    EXPECT_TRUE(world_.ends(channel_, "reset"));
}

TEST_F(AuthenticatedPeer, FT_087_GetsLongMessagesInSeveralRecords) {
    const std::string text(100'000, 'x');
    send_all(program_.value(), text);
    std::string got;
    while (got.size() < text.size()) {
        const auto record = peer_.receive_frame();
        EXPECT_LE(record.size(), 66'048U);
        got += unwrapped(record);
    }
    EXPECT_EQ(got, text);
}

}  // namespace
}  // namespace mutual::channel
