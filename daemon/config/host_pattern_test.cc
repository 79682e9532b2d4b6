// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/host_pattern.h"

#include <gtest/gtest.h>

namespace mutual::config {
namespace {

TEST(HostPattern, MatchesTheWholeNameInAnyCase) {
    const auto pattern = parse_host_pattern("App1.Mutual.Test.").value();
    EXPECT_TRUE(matches(pattern, "app1.mutual.test"));
    EXPECT_TRUE(matches(pattern, "APP1.MUTUAL.TEST."));
    EXPECT_FALSE(matches(pattern, "xapp1.mutual.test"));
    EXPECT_FALSE(matches(pattern, "app1.mutual.test.evil"));
    EXPECT_FALSE(matches(pattern, ""));
}

TEST(HostPattern, MatchesWhatLiesBelowADomain) {
    const auto pattern = parse_host_pattern(".apps.test").value();
    EXPECT_TRUE(matches(pattern, "a.apps.test"));
    EXPECT_TRUE(matches(pattern, "a.b.apps.test"));
    EXPECT_FALSE(matches(pattern, "apps.test"));
    EXPECT_FALSE(matches(pattern, ".apps.test"));
    EXPECT_FALSE(matches(pattern, "evilapps.test"));
}

TEST(HostPattern, RefusesWhatIsNoHostName) {
    for (const char* text : {"", ".", "..a", "a..b", "*", "*.a", "a b", "a/b", "a@b", "\xc3\xa4.test"})
        EXPECT_FALSE(parse_host_pattern(text)) << text;
}

}  // namespace
}  // namespace mutual::config
