// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/principal_pattern.h"

#include <gtest/gtest.h>

namespace mutual::config {
namespace {

bool matched(const char* pattern, const char* principal) {
    const auto parsed = parse_principal_pattern(pattern);
    const auto parts = parse_principal(principal);
    EXPECT_TRUE(parsed && parts) << pattern << " " << principal;
    return parsed && parts && matches(*parsed, *parts);
}

TEST(PrincipalPattern, MatchesWithinOneComponentOnly) {
    EXPECT_TRUE(matched("host/*@R", "host/a.b.c@R"));
    EXPECT_FALSE(matched("host/*@R", "host/a/b@R"));
    EXPECT_FALSE(matched("*@R", "a/b@R"));
    EXPECT_FALSE(matched("*@R", "a@R.EVIL"));
    EXPECT_FALSE(matched("*@R", R"(a\@R@EVIL)"));
    EXPECT_TRUE(matched("*/*@R", "a/b@R"));
}

TEST(PrincipalPattern, IsAnchoredAtBothEnds) {
    EXPECT_TRUE(matched("web*.a.test@R", "web7.a.test@R"));
    EXPECT_FALSE(matched("web*.a.test@R", "xweb7.a.test@R"));
    EXPECT_FALSE(matched("web*.a.test@R", "web7.a.test.evil@R"));
    EXPECT_FALSE(matched("alice@R", "alice2@R"));
    EXPECT_FALSE(matched("alice@R", "Alice@R"));
}

TEST(PrincipalPattern, TakesSeveralStarsInAComponent) {
    EXPECT_TRUE(matched("a*b*c@R", "abc@R"));
    EXPECT_TRUE(matched("a*b*c@R", "axxbyyc@R"));
    EXPECT_FALSE(matched("a*b*c@R", "acb@R"));
    EXPECT_FALSE(matched("ab*ba@R", "aba@R"));
}

TEST(PrincipalPattern, UnderstandsEscapes) {
    EXPECT_TRUE(matched(R"(a\*@R)", "a*@R"));
    EXPECT_FALSE(matched(R"(a\*@R)", "ab@R"));
    EXPECT_TRUE(matched(R"(svc/h/cn=a\\,b@R)", R"(svc/h/cn=a\\,b@R)"));
    EXPECT_TRUE(matched(R"(a\/b@R)", R"(a\/b@R)"));
    EXPECT_FALSE(matched(R"(a\/b@R)", "a/b@R"));
}

TEST(PrincipalPattern, RefusesWhatIsNotAFullPrincipal) {
    for (const char* text : {"", "alice", "alice@", "@R", "a//b@R", "a@R@S", "a@*", "a@R*", "a\\", "/a@R"})
        EXPECT_FALSE(parse_principal_pattern(text)) << text;
}

}  // namespace
}  // namespace mutual::config
