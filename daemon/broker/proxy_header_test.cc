// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/proxy_header.h"

#include <gtest/gtest.h>

namespace mutual::broker {
namespace {

TEST(ProxyHeader, SaysWhoThePeerIs) {
    const ProxyIdentity identity{{"192.0.2.9", 40000}, 7010, "alice@R", "ledger/h@R", "c1"};
    const Result<std::string> header = proxy_header(identity);
    ASSERT_TRUE(header);
    std::string expected("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x2a", 16);
    expected.append("\xc0\0\x02\x09\0\0\0\0\x9c\x40\x1b\x62", 12);
    expected.append("\x05\0\x02", 3).append("c1");
    expected.append("\xe0\0\x07", 3).append("alice@R");
    expected.append("\xe1\0\x0a", 3).append("ledger/h@R");
    expected[15] = static_cast<char>(expected.size() - 16);
    EXPECT_EQ(*header, expected);
}

TEST(ProxyHeader, WritesAMappedAddressAsIpv4AndKnowsIpv6) {
    EXPECT_EQ((*proxy_header({{"::ffff:192.0.2.9", 1}, 2, "a", "b", "c"}))[13], '\x11');
    EXPECT_EQ((*proxy_header({{"2001:db8::1", 1}, 2, "a", "b", "c"}))[13], '\x21');
    EXPECT_EQ((*proxy_header({{"fe80::1%eth0", 1}, 2, "a", "b", "c"}))[13], '\x21');
}

TEST(ProxyHeader, FailsClosedOnWhatItCannotExpress) {
    EXPECT_FALSE(proxy_header({{"nowhere", 1}, 2, "a", "b", "c"}));
    EXPECT_FALSE(proxy_header({{"192.0.2.9", 1}, 2, std::string(70000, 'a'), "b", "c"}));
    EXPECT_FALSE(proxy_header({{"192.0.2.9", 1}, 2, std::string(40000, 'a'), std::string(40000, 'b'), "c"}));
}

}  // namespace
}  // namespace mutual::broker
