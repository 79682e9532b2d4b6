// SPDX-License-Identifier: Apache-2.0
// The fake must be able to catch what the real contexts catch, or the tests that stand on it prove nothing.
#include <gtest/gtest.h>

#include "tests/fakes/host.h"

namespace mutual::fakes {
namespace {

using Token = std::vector<std::byte>;

class FakeContexts : public testing::Test {
protected:
    Token sealed(std::string_view text) {
        Token token(FakeSecurityContext::header + text.size() + FakeSecurityContext::trailer);
        const auto plaintext = bytes_of(text);
        std::copy(plaintext.begin(), plaintext.end(), token.begin() + FakeSecurityContext::header);
        EXPECT_TRUE(sender.seal(token, text.size()));
        return token;
    }
    SecurityContext::Opened opened(Token& token) {
        auto result = receiver.open(token);
        EXPECT_TRUE(result);
        return *result;
    }

    FakeSecurityContext sender{Role::initiator, 7};
    FakeSecurityContext receiver{Role::acceptor, 7};
};

TEST_F(FakeContexts, OpenWhatTheOtherSealed) {
    auto token = sealed("hello");
    EXPECT_EQ(text_of(token).find("hello"), std::string::npos);
    const auto result = opened(token);
    EXPECT_EQ(text_of(result.plaintext), "hello");
    EXPECT_TRUE(result.confidential);
    EXPECT_TRUE(result.supplementary.none());
}

TEST_F(FakeContexts, DetectEveryAlteredBit) {
    const auto good = sealed("hello");
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        auto token = good;
        token[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        EXPECT_FALSE(receiver.open(token)) << bit;
    }
    for (std::size_t size = 0; size < good.size(); ++size) {
        Token token{good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)};
        EXPECT_FALSE(receiver.open(token)) << size;
    }
}

TEST_F(FakeContexts, RefuseTheirOwnTokensAndAnotherKeys) {
    auto token = sealed("hello");
    EXPECT_FALSE(sender.open(token));
    FakeSecurityContext other{Role::acceptor, 8};
    EXPECT_FALSE(other.open(token));
}

TEST_F(FakeContexts, TellDuplicateGapUnsequencedAndOld) {
    std::vector<Token> tokens;
    for (int i = 0; i < 70; ++i) tokens.push_back(sealed("x"));
    auto replayed = tokens[0];
    EXPECT_TRUE(opened(tokens[0]).supplementary.none());
    EXPECT_TRUE(opened(replayed).supplementary.duplicate);
    EXPECT_TRUE(opened(tokens[2]).supplementary.gap);
    EXPECT_TRUE(opened(tokens[1]).supplementary.unsequenced);
    EXPECT_TRUE(opened(tokens[3]).supplementary.none());
    EXPECT_TRUE(opened(tokens[69]).supplementary.gap);
    EXPECT_TRUE(opened(tokens[4]).supplementary.old);
}

TEST_F(FakeContexts, MarkWhatIsNotConfidential) {
    sender.seals_integrity_only = true;
    auto token = sealed("hello");
    EXPECT_NE(text_of(token).find("hello"), std::string::npos);
    EXPECT_FALSE(opened(token).confidential);
}

TEST_F(FakeContexts, VerifyMessageCodes) {
    const auto message = bytes_of("message");
    auto mic = sender.mic(message);
    ASSERT_TRUE(mic);
    EXPECT_TRUE(receiver.verify(message, *mic)->none());
    EXPECT_TRUE(receiver.verify(message, *mic)->duplicate);
    EXPECT_FALSE(receiver.verify(bytes_of("massage"), *mic));
}

TEST_F(FakeContexts, AgreeOnPseudoRandomOctets) {
    Token ours(16);
    Token theirs(16);
    ASSERT_TRUE(sender.prf(bytes_of("label"), ours));
    ASSERT_TRUE(receiver.prf(bytes_of("label"), theirs));
    EXPECT_EQ(ours, theirs);
    ASSERT_TRUE(receiver.prf(bytes_of("other"), theirs));
    EXPECT_NE(ours, theirs);
}

}  // namespace
}  // namespace mutual::fakes
