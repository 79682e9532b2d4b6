// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/permits.h"

#include <gtest/gtest.h>

namespace mutual::broker {
namespace {

constexpr config::Bounds bounds{4, 2, 3};

TEST(Permits, BoundAUidAndSayByWhatKey) {
    Permits permits("requests", "pending requests");
    const auto first = permits.take(bounds, 1, "");
    auto second = permits.take(bounds, 1, "");
    ASSERT_TRUE(first && second);
    const auto third = permits.take(bounds, 1, "");
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().code, Code::limit);
    EXPECT_EQ(third.error().message, "uid 1 has 2 pending requests, and daemon.limits.requests_per_uid is 2");
    EXPECT_EQ(third.error().hint, "wait for some to end, or raise daemon.limits.requests_per_uid");
    EXPECT_EQ(permits.refused(), 1U);
    second = Error{};
    EXPECT_TRUE(permits.take(bounds, 1, "")) << "the place was not given back";
}

TEST(Permits, BoundAUnitOverAllItsUids) {
    Permits permits("requests", "pending requests");
    const auto first = permits.take(bounds, 1, "a.service");
    const auto second = permits.take(bounds, 2, "a.service");
    const auto third = permits.take(bounds, 3, "a.service");
    ASSERT_TRUE(first && second && third);
    const auto fourth = permits.take(bounds, 4, "a.service");
    ASSERT_FALSE(fourth);
    EXPECT_EQ(fourth.error().message,
              "unit a.service has 3 pending requests, and daemon.limits.requests_per_unit is 3");
    EXPECT_TRUE(permits.take(bounds, 4, "b.service"));
    EXPECT_TRUE(permits.take(bounds, 4, "")) << "no unit is not a unit";
}

TEST(Permits, WithoutAKeyNameNone) {
    Permits permits("", "calls of Monitor");
    const auto first = permits.take(bounds, 1, "");
    const auto second = permits.take(bounds, 1, "");
    const auto third = permits.take(bounds, 1, "");
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().message, "uid 1 has 2 calls of Monitor, and 2 are the most");
    EXPECT_EQ(third.error().hint, "wait for some to end");
}

TEST(Permits, BoundAllOfThemRootToo) {
    Permits permits("requests", "pending requests");
    std::vector<Permits::Permit> held;
    for (uid_t uid = 1; uid <= 4; ++uid) held.push_back(*permits.take(bounds, uid, ""));
    EXPECT_EQ(permits.taken(), 4U);
    const auto root = permits.take(bounds, 0, "");
    ASSERT_FALSE(root);
    EXPECT_EQ(root.error().message, "all callers have 4 pending requests, and daemon.limits.requests is 4");
    held.clear();
    EXPECT_EQ(permits.taken(), 0U);
    EXPECT_TRUE(permits.take(bounds, 0, ""));
}

TEST(Permits, FollowBoundsThatChange) {
    Permits permits("requests", "pending requests");
    const auto first = permits.take({4, 1, 0}, 1, "");
    EXPECT_FALSE(permits.take({4, 1, 0}, 1, ""));
    EXPECT_TRUE(permits.take({4, 2, 0}, 1, ""));
}

}  // namespace
}  // namespace mutual::broker
