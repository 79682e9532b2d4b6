// SPDX-License-Identifier: Apache-2.0
#include "wire/universal_address.h"

#include <gtest/gtest.h>

namespace mutual::wire {
namespace {

TEST(UniversalAddresses, AreAnAddressAndTheOctetsOfAPort) {
    EXPECT_EQ(parse_universal_address("192.0.2.7.2.15").value(), (UniversalAddress{"192.0.2.7", 527}));
    EXPECT_EQ(parse_universal_address("0.0.0.0.0.111").value(), (UniversalAddress{"0.0.0.0", 111}));
    EXPECT_EQ(parse_universal_address("::.255.255").value(), (UniversalAddress{"::", 65535}));
    EXPECT_EQ(parse_universal_address("2001:DB8:0::7.1.0").value(), (UniversalAddress{"2001:db8::7", 256}));
    EXPECT_EQ(parse_universal_address("::ffff:192.0.2.7.0.1").value(),
              (UniversalAddress{"::ffff:192.0.2.7", 1}));
}

TEST(UniversalAddresses, AreWrittenAsTheyAreRead) {
    for (const char* text : {"192.0.2.7.2.15", "::.0.111", "2001:db8::7.255.0", "::ffff:1.2.3.4.5.6"})
        EXPECT_EQ(to_text(parse_universal_address(text).value()), text);
}

TEST(UniversalAddresses, WhatIsNoneIsRefused) {
    for (const char* text : {"",
                             ".",
                             "..",
                             "0.1",
                             "1.2.3.4",
                             "1.2.3.4.5",
                             "1.2.3.4.5.6.7",
                             "1.2.3.4.256.1",
                             "1.2.3.4.1.256",
                             "1.2.3.4.1.-1",
                             "1.2.3.4.1.+1",
                             "1.2.3.4.1. 1",
                             "1.2.3.4.01.1",
                             "1.2.3.4.1.1 ",
                             "1.2.3.4.1.1.",
                             "1.2.3.4..1",
                             "1.2.3.4.0x1.1",
                             "1.2.3.400.1.1",
                             "01.2.3.4.1.1",
                             "host.test.1.1",
                             "fe80::1%eth0.1.1",
                             ":::.1.1",
                             "::1",
                             "::1.1",
                             "1.2.3.4.0001.1",
                             "/run/rpcbind.sock"})
        EXPECT_EQ(parse_universal_address(text).error().code, Code::protocol) << text;
    EXPECT_FALSE(parse_universal_address(std::string("1.2.3.4\0.1.1", 12)));
    EXPECT_FALSE(parse_universal_address(std::string(100'000, '1') + ".1.1"));
}

TEST(UniversalAddresses, PortZeroLeadsNowhere) { EXPECT_FALSE(parse_universal_address("192.0.2.7.0.0")); }

TEST(UniversalAddresses, LoopbackAndWildcardsAreKnownForWhatTheyAre) {
    for (const char* address : {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"})
        EXPECT_TRUE(is_loopback(address)) << address;
    for (const char* address : {"128.0.0.1", "12.7.0.1", "::", "::2", "::ffff:192.0.2.7"})
        EXPECT_FALSE(is_loopback(address)) << address;
    EXPECT_TRUE(is_wildcard("0.0.0.0"));
    EXPECT_TRUE(is_wildcard("::"));
    EXPECT_FALSE(is_wildcard("::1"));
}

}  // namespace
}  // namespace mutual::wire
