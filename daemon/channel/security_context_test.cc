// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/security_context.h"

#include <fcntl.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "daemon/channel/forged_realm.h"

namespace mutual::channel {
namespace {

using testing::ForgedRealm;
using testing::sealed_memory;
using testing::Token;

Token bytes_of(const std::string& text) {
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    return {begin, begin + text.size()};
}

std::string text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

Token sealed(SecurityContext& context, const std::string& text) {
    const auto layout = context.layout(text.size());
    Token frame(layout.header + text.size() + layout.trailer);
    std::memcpy(frame.data() + layout.header, text.data(), text.size());
    auto result = context.seal(frame, text.size());
    EXPECT_TRUE(result) << result.error().message;
    return frame;
}

class GssContexts : public ::testing::Test {
protected:
    GssContexts() {
        auto [initiator, acceptor] = realm_.established();
        initiator_ = imported(*initiator);
        acceptor_ = imported(*acceptor);
    }
    std::unique_ptr<SecurityContext> imported(testing::Handshake& handshake) {
        auto result = import_context(handshake.exported(), realm_.facts());
        if (!result) throw std::runtime_error(result.error().message);
        return std::move(*result);
    }

    ForgedRealm realm_;
    std::unique_ptr<SecurityContext> initiator_;
    std::unique_ptr<SecurityContext> acceptor_;
};

TEST_F(GssContexts, OpenWhatTheOtherEndSealed) {
    for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 64U, 4096U, 16384U, 65000U}) {
        const std::string text(size, 'p');
        auto frame = sealed(*initiator_, text);
        EXPECT_EQ(text_of(frame).find("pppp"), std::string::npos);
        auto opened = acceptor_->open(frame);
        ASSERT_TRUE(opened) << opened.error().message;
        EXPECT_EQ(text_of(opened->plaintext), text);
        EXPECT_TRUE(opened->confidential);
        EXPECT_TRUE(opened->supplementary.none());
        if (size > 0) {
            EXPECT_GE(opened->plaintext.data(), frame.data());
            EXPECT_LT(opened->plaintext.data(), frame.data() + frame.size());
        }
    }
}

TEST(GssContext, SealsTokensThatPlainUnwrapReads) {
    ForgedRealm realm;
    auto [initiator, acceptor] = realm.established();
    auto context = import_context(initiator->exported(), realm.facts());
    ASSERT_TRUE(context);
    for (const std::string& text : {std::string("hello"), std::string(16384, 'x')}) {
        auto frame = sealed(**context, text);
        gss_buffer_desc token{frame.size(), frame.data()};
        gss_buffer_desc plain = GSS_C_EMPTY_BUFFER;
        OM_uint32 minor = 0;
        int confidential = 0;
        ASSERT_EQ(gss_unwrap(&minor, acceptor->context(), &token, &plain, &confidential, nullptr),
                  GSS_S_COMPLETE);
        EXPECT_EQ(text_of({static_cast<const std::byte*>(plain.value), plain.length}), text);
        EXPECT_EQ(confidential, 1);
        gss_release_buffer(&minor, &plain);
    }
}

// With and without encryption, by the plain call that other programs use.
Token wrapped(gss_ctx_id_t context, const std::string& text, bool confidential) {
    gss_buffer_desc plain{text.size(), const_cast<char*>(text.data())};
    gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
    OM_uint32 minor = 0;
    int encrypted = 0;
    gss_wrap(&minor, context, confidential ? 1 : 0, GSS_C_QOP_DEFAULT, &plain, &encrypted, &token);
    const auto* bytes = static_cast<const std::byte*>(token.value);
    Token result(bytes, bytes + token.length);
    gss_release_buffer(&minor, &token);
    return result;
}

TEST(GssContext, FT_085_TellsAnIntegrityOnlyMessageFromAnEncryptedOne) {
    ForgedRealm realm;
    auto [initiator, acceptor] = realm.established();
    auto context = import_context(acceptor->exported(), realm.facts());
    ASSERT_TRUE(context);
    auto encrypted = wrapped(initiator->context(), "secret", true);
    auto opened = (*context)->open(encrypted);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened->confidential);
    EXPECT_EQ(text_of(opened->plaintext), "secret");
    auto signed_only = wrapped(initiator->context(), "clear", false);
    opened = (*context)->open(signed_only);
    ASSERT_TRUE(opened);
    EXPECT_FALSE(opened->confidential);
}

TEST_F(GssContexts, FT_086_RefuseAnAlteredMessage) {
    const auto frame = sealed(*initiator_, "pay 1");
    for (std::size_t i = 0; i < frame.size(); ++i) {
        auto altered = frame;
        altered[i] ^= std::byte{1};
        auto opened = acceptor_->open(altered);
        ASSERT_FALSE(opened) << "octet " << i;
        EXPECT_EQ(opened.error().code, Code::protocol) << opened.error().message;
    }
}

TEST_F(GssContexts, FT_086_ReportAReplayedMessage) {
    const auto frame = sealed(*initiator_, "pay 1");
    auto first = frame;
    ASSERT_TRUE(acceptor_->open(first));
    auto again = frame;
    auto opened = acceptor_->open(again);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened->supplementary.duplicate);
}

TEST_F(GssContexts, FT_086_ReportAGapAndAnOutOfOrderMessage) {
    auto first = sealed(*initiator_, "1");
    auto second = sealed(*initiator_, "2");
    auto opened = acceptor_->open(second);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened->supplementary.gap);
    opened = acceptor_->open(first);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened->supplementary.unsequenced);
}

TEST_F(GssContexts, RefuseTruncatedAndForeignTokens) {
    const auto frame = sealed(*initiator_, "hello");
    for (std::size_t length = 0; length < frame.size(); ++length) {
        auto cut = frame;
        cut.resize(length);
        EXPECT_FALSE(acceptor_->open(cut)) << length;
    }
    auto text = bytes_of("GET / HTTP/1.1\r\n\r\n");
    EXPECT_FALSE(acceptor_->open(text));
}

TEST_F(GssContexts, SignAndVerify) {
    const auto message = bytes_of("message");
    auto mic = initiator_->mic(message);
    ASSERT_TRUE(mic);
    auto verified = acceptor_->verify(message, *mic);
    ASSERT_TRUE(verified);
    EXPECT_TRUE(verified->none());
    EXPECT_FALSE(acceptor_->verify(bytes_of("another"), *mic));
}

TEST_F(GssContexts, DeriveTheSamePseudoRandomOctets) {
    Token ours(48);
    Token theirs(48);
    ASSERT_TRUE(initiator_->prf(bytes_of("label"), ours));
    ASSERT_TRUE(acceptor_->prf(bytes_of("label"), theirs));
    EXPECT_EQ(ours, theirs);
    ASSERT_TRUE(acceptor_->prf(bytes_of("other"), theirs));
    EXPECT_NE(ours, theirs);
}

TEST_F(GssContexts, FT_087_TheLargestPlaintextFitsExactly) {
    const auto largest = initiator_->largest_plaintext(66048);
    const auto layout = initiator_->layout(largest);
    EXPECT_EQ(layout.header + largest + layout.trailer, 66048U);
    EXPECT_EQ(initiator_->largest_plaintext(10), 0U);
}

TEST_F(GssContexts, FT_087_RefuseAFrameOfTheWrongSize) {
    Token frame(100);
    EXPECT_FALSE(initiator_->seal(frame, 64));
}

TEST(ImportContext, RefusesMemoryThatIsNotSealed) {
    UniqueFd open_memory(::memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(::write(open_memory.value(), "x", 1), 1);
    auto imported = import_context(std::move(open_memory), {});
    ASSERT_FALSE(imported);
    EXPECT_NE(imported.error().message.find("sealed"), std::string::npos);
}

TEST(ImportContext, RefusesWhatIsTooLargeEmptyOrNonsense) {
    EXPECT_FALSE(import_context(sealed_memory({}), {}));
    EXPECT_FALSE(import_context(sealed_memory(Token(256 * 1024 + 1)), {}));
    EXPECT_FALSE(import_context(sealed_memory(bytes_of("nonsense")), {}));
}

}  // namespace
}  // namespace mutual::channel
