// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/account.h"

#include <gtest/gtest.h>

#include <array>

namespace mutual::unit {
namespace {

TEST(Account, IsFoundByNameAndByNumber) {
    const auto root = find_user("root");
    ASSERT_TRUE(root);
    EXPECT_EQ(root->uid, 0U);
    EXPECT_EQ(find_user("0")->name, "root");
    EXPECT_EQ(*find_group("root"), 0U);
    EXPECT_EQ(user_name(0), "root");
}

TEST(Account, MayBeANumberWithoutAName) {
    EXPECT_EQ(find_user("3999999999")->uid, 3999999999U);
    EXPECT_EQ(user_name(3999999999U), "3999999999");
    EXPECT_EQ(*find_group("3999999999"), 3999999999U);
}

TEST(Account, ThatIsMissingIsNamedWithARemedy) {
    for (const char* name : {"no-such-user-here", "", "-1", "4294967295"}) {
        const auto missing = find_user(name);
        ASSERT_FALSE(missing) << name;
        EXPECT_EQ(missing.error().code, Code::invalid_configuration);
        EXPECT_FALSE(missing.error().hint.empty());
    }
}

TEST(Membership, CountsThePrimaryAndTheSupplementaryGroups) {
    const std::array<gid_t, 2> groups{20, 30};
    EXPECT_TRUE(is_member(10, 10, groups));
    EXPECT_TRUE(is_member(30, 10, groups));
    EXPECT_FALSE(is_member(40, 10, groups));
}

}  // namespace
}  // namespace mutual::unit
