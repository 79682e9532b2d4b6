// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/first_token.h"

#include <gtest/gtest.h>

namespace mutual::keys {
namespace {

std::string der(unsigned char tag, const std::string& content) {
    std::string text(1, static_cast<char>(tag));
    if (content.size() < 128) {
        text += static_cast<char>(content.size());
    } else {
        text += '\x82';
        text += static_cast<char>(content.size() >> 8);
        text += static_cast<char>(content.size() & 255);
    }
    return text + content;
}
std::string number(unsigned char value) { return der(0x02, std::string(1, static_cast<char>(value))); }
std::string text(const std::string& value) { return der(0x1b, value); }

const std::string krb5_oid = std::string("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", 9);

std::string ticket() {
    const std::string names = der(0x30, text("ledger") + text("app1"));
    const std::string sname = der(0x30, der(0xa0, number(2)) + der(0xa1, names));
    const std::string part =
        der(0x30, der(0xa0, number(18)) + der(0xa1, number(7)) + der(0xa2, der(0x04, std::string(300, 'x'))));
    return der(0x61, der(0x30, der(0xa0, number(5)) + der(0xa1, text("A.TEST")) + der(0xa2, sname) +
                                   der(0xa3, part)));
}

std::string token(const std::string& oid, const std::string& ticket_text) {
    const std::string authenticator =
        der(0x30, der(0xa0, number(18)) + der(0xa2, der(0x04, std::string(60, 'y'))));
    const std::string options = der(0x03, std::string("\x00\x20\x00\x00\x00", 5));
    const std::string request =
        der(0x6e, der(0x30, der(0xa0, number(5)) + der(0xa1, number(14)) + der(0xa2, options) +
                                der(0xa3, ticket_text) + der(0xa4, authenticator)));
    return der(0x60, der(0x06, oid) + std::string("\x01\x00", 2) + request);
}

TEST(FirstToken, ShowsTheKeyThatTheTicketNeeds) {
    const auto asked = read_first_token(token(krb5_oid, ticket()));
    ASSERT_TRUE(asked) << to_string(asked.error());
    EXPECT_EQ(asked->principal, "ledger/app1@A.TEST");
    EXPECT_EQ(asked->kvno, 7U);
    EXPECT_EQ(asked->enctype, 18);
}

TEST(FirstToken, RefusesOtherMechanisms_FT_081) {
    const auto spnego = read_first_token(token(std::string("\x2b\x06\x01\x05\x05\x02", 6), ticket()));
    ASSERT_FALSE(spnego);
    EXPECT_NE(spnego.error().message.find("SPNEGO"), std::string::npos);
    EXPECT_FALSE(
        read_first_token(token(std::string("\x2b\x05\x01\x05\x02", 5), ticket())));  // the oldest one
    EXPECT_FALSE(read_first_token(
        token(std::string("\x2a\x86\x48\x82\xf7\x12\x01\x02\x02", 9), ticket())));  // the wrong one
    EXPECT_FALSE(read_first_token(token(std::string("\x2b\x06\x01\x05\x02\x05", 6), ticket())));  // IAKERB
}

TEST(FirstToken, RefusesEveryPrefixAndEveryTail) {
    const std::string whole = token(krb5_oid, ticket());
    for (std::size_t length = 0; length < whole.size(); ++length)
        EXPECT_FALSE(read_first_token(std::string_view(whole).substr(0, length))) << length;
    EXPECT_FALSE(read_first_token(whole + "x"));
}

TEST(FirstToken, SurvivesEveryChangedOctet) {
    const std::string whole = token(krb5_oid, ticket());
    for (std::size_t at = 0; at < whole.size(); ++at)
        for (const unsigned change : {0x01U, 0x80U, 0xffU}) {
            std::string altered = whole;
            altered[at] = static_cast<char>(static_cast<unsigned char>(altered[at]) ^ change);
            const auto read = read_first_token(altered);
            if (!read) {
                EXPECT_EQ(read.error().code, Code::protocol);
            }
        }
}

TEST(FirstToken, RefusesLengthsThatLie) {
    EXPECT_FALSE(read_first_token(std::string("\x60\x84\xff\xff\xff\xff\x06", 7)));
    EXPECT_FALSE(read_first_token(std::string("\x60\x80\x06\x09", 4)));
    EXPECT_FALSE(read_first_token(std::string("\x60\x88\x00\x00\x00\x00\x00\x00\x00\x01\x06", 11)));
}

}  // namespace
}  // namespace mutual::keys
