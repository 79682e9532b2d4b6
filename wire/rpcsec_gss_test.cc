// SPDX-License-Identifier: Apache-2.0
#include "wire/rpcsec_gss.h"

#include <gtest/gtest.h>

#include "tests/fakes/host.h"

namespace mutual::wire {
namespace {

using fakes::bytes_of;
using fakes::FakeSecurityContext;
using fakes::text_of;
using Octets = std::vector<std::byte>;

class RpcsecGss : public testing::Test {
protected:
    Octets sealed(GssService service, std::uint32_t sequence, std::string_view body) {
        XdrWriter out;
        EXPECT_TRUE(put_protected(out, sender, service, sequence, bytes_of(body)));
        return out.take();
    }
    std::string opened(GssService service, std::uint32_t sequence, Octets body) {
        auto plain = open_protected(receiver, service, sequence, body);
        return plain ? text_of(*plain) : to_string(plain.error());
    }

    FakeSecurityContext sender{Role::initiator, 7};
    FakeSecurityContext receiver{Role::acceptor, 7};
};

constexpr std::array protecting{GssService::integrity, GssService::privacy};

TEST_F(RpcsecGss, BodiesOfEveryLengthPassUnderEveryService) {
    std::uint32_t sequence = 0;
    for (const GssService service : {GssService::none, GssService::integrity, GssService::privacy})
        for (const std::size_t size : {0U, 1U, 2U, 3U, 4U, 5U, 1000U, 65'537U}) {
            const std::string body(size, 'b');
            const Octets out = sealed(service, ++sequence, body);
            EXPECT_EQ(opened(service, sequence, out), body);
            if (service != GssService::none) {
                EXPECT_EQ(out.size() % 4, 0U) << size;
            }
        }
}

TEST_F(RpcsecGss, FT_085_PrivacySendsNothingInTheClear) {
    EXPECT_EQ(text_of(sealed(GssService::privacy, 1, "secret")).find("secret"), std::string::npos);
    EXPECT_NE(text_of(sealed(GssService::integrity, 1, "public")).find("public"), std::string::npos);
}

TEST_F(RpcsecGss, TheNumberInsideMustBeTheOneOutside) {
    for (const GssService service : protecting) {
        const std::string why = opened(service, 6, sealed(service, 5, "body"));
        EXPECT_NE(why.find("sequence number 5 inside, 6 outside"), std::string::npos) << why;
    }
}

TEST_F(RpcsecGss, FT_086_EveryAlteredOctetIsNoticed) {
    for (const GssService service : protecting) {
        const Octets whole = sealed(service, 5, "body");
        const std::size_t padding = service == GssService::integrity
                                        ? xdr_padding(sender.mic(bytes_of("")).value().size())
                                        : 0;  // is protected by nothing, and means nothing
        for (std::size_t i = 0; i < whole.size() - padding; ++i) {
            Octets body = whole;
            body[i] ^= std::byte{1};
            EXPECT_NE(opened(service, 5, body), "body") << i;
        }
    }
}

TEST_F(RpcsecGss, EveryCutAndEveryAppendixIsRefused) {
    for (const GssService service : protecting) {
        const Octets whole = sealed(service, 5, "body");
        for (std::size_t size = 0; size < whole.size(); ++size) {
            Octets body(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            EXPECT_FALSE(open_protected(receiver, service, 5, body)) << size;
        }
        Octets longer = whole;
        longer.resize(whole.size() + 4);
        EXPECT_FALSE(open_protected(receiver, service, 5, longer));
    }
}

TEST_F(RpcsecGss, FT_085_WhatIsNotConfidentialIsNotPrivate) {
    sender.seals_integrity_only = true;
    const std::string why = opened(GssService::privacy, 5, sealed(GssService::privacy, 5, "body"));
    EXPECT_NE(why.find("not confidential"), std::string::npos) << why;
}

TEST_F(RpcsecGss, CredentialsAreReadAsTheyAreWritten) {
    const Octets handle = bytes_of("0123456789abcdef");
    Octets body = to_xdr({GssProcedure::data, 77, GssService::integrity, handle});
    auto credential = read_credential(body);
    ASSERT_TRUE(credential) << credential.error().message;
    EXPECT_EQ(credential->procedure, GssProcedure::data);
    EXPECT_EQ(credential->sequence, 77U);
    EXPECT_EQ(credential->service, GssService::integrity);
    EXPECT_EQ(text_of(credential->handle), "0123456789abcdef");
    for (std::size_t size = 0; size < body.size(); ++size)
        EXPECT_FALSE(read_credential(MutableBytes(body).first(size))) << size;
}

TEST_F(RpcsecGss, WrongFieldsOfCredentialsAreRefused) {
    const auto words = [](std::initializer_list<std::uint32_t> all) {
        XdrWriter out;
        for (const std::uint32_t word : all) out.number(word);
        return out.take();
    };
    for (Octets body :
         {words({2, 0, 1, 3, 0}), words({0, 0, 1, 3, 0}), words({1, 4, 1, 3, 0}), words({1, 0, 1, 0, 0}),
          words({1, 0, 1, 4, 0}), words({1, 0, 1, 3, 260}), words({1, 0, 1, 3, 0, 0})})
        EXPECT_FALSE(read_credential(body));
    Octets good = words({1, 1, 0, 1, 0});
    EXPECT_TRUE(read_credential(good));
}

TEST_F(RpcsecGss, ResultsOfContextCreationAreReadAsTheyAreWritten) {
    const Octets handle = bytes_of("handle");
    Octets token(max_init_token, std::byte{'t'});
    XdrWriter out;
    put_init_result(out, {handle, 1, 2, 128, token});
    Octets results = out.take();
    auto result = read_init_result(results);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(text_of(result->handle), "handle");
    EXPECT_EQ(result->major, 1U);
    EXPECT_EQ(result->minor, 2U);
    EXPECT_EQ(result->window, 128U);
    EXPECT_EQ(result->token.size(), max_init_token);
    for (const std::size_t size : {0U, 4U, 12U, 27U, 100U})
        EXPECT_FALSE(read_init_result(MutableBytes(results).first(size))) << size;
}

TEST_F(RpcsecGss, TokensOf128KiBPassAndLongerOnesDoNot) {
    for (const std::size_t size : {max_init_token, max_init_token + 1}) {
        XdrWriter out;
        out.opaque(Octets(size));
        Octets arguments = out.take();
        const auto token = read_init_token(arguments);
        EXPECT_EQ(bool(token), size == max_init_token);
        if (!token) {
            EXPECT_EQ(token.error().code, Code::limit);
        }
    }
}

TEST(SequenceWindows, TellDuplicatesAndOldOnesApartFromFreshOnes) {
    SequenceWindow window;
    for (const std::uint32_t sequence : {5U, 4U, 1U, 260U, 300U}) {
        EXPECT_TRUE(window.is_fresh(sequence)) << sequence;
        window.mark(sequence);
        EXPECT_FALSE(window.is_fresh(sequence)) << sequence;
    }
    // The window is 45 to 300 now.
    EXPECT_FALSE(window.is_fresh(5));
    EXPECT_FALSE(window.is_fresh(44));
    EXPECT_TRUE(window.is_fresh(45));
    EXPECT_TRUE(window.is_fresh(259));
    EXPECT_FALSE(window.is_fresh(260));
    EXPECT_TRUE(window.is_fresh(301));
}

TEST(SequenceWindows, ForgetNothingThatIsStillInside) {
    SequenceWindow window;
    for (std::uint32_t sequence = 1; sequence < 2000; sequence += 3) window.mark(sequence);
    const std::uint32_t highest = 1999;
    for (std::uint32_t sequence = highest; sequence + SequenceWindow::size > highest; --sequence)
        EXPECT_EQ(window.is_fresh(sequence), sequence % 3 != 1) << sequence;
}

TEST(SequenceWindows, AJumpForgetsWhatLiesBehind) {
    SequenceWindow window;
    for (std::uint32_t sequence = 1; sequence <= 256; ++sequence) window.mark(sequence);
    window.mark(256 + 1000);
    EXPECT_FALSE(window.is_fresh(256));
    for (std::uint32_t sequence = 1001; sequence < 1256; ++sequence)
        EXPECT_TRUE(window.is_fresh(sequence)) << sequence;
    window.mark(max_sequence - 1);
    EXPECT_TRUE(window.is_fresh(max_sequence - 2));
}

TEST(SequenceWindows, AreNotMovedByLooking) {
    SequenceWindow window;
    window.mark(10);
    EXPECT_TRUE(window.is_fresh(100'000));
    EXPECT_TRUE(window.is_fresh(9));
}

}  // namespace
}  // namespace mutual::wire
