// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/channel_table.h"

#include <gtest/gtest.h>

namespace mutual::channel {
namespace {

using std::chrono::seconds;

ChannelFacts facts(const std::string& channel, std::uint64_t cookie = 0) {
    ChannelFacts result;
    result.channel = channel;
    result.cookie = cookie;
    return result;
}

const WallTime ended{seconds(1000000)};
const Instant start{seconds(500)};

TEST(ChannelTable, FindsALiveChannelByIdAndCookie) {
    ChannelTable table;
    auto record = table.add(facts("a", 7));
    ASSERT_TRUE(record);
    EXPECT_TRUE(table.find("a", start));
    EXPECT_EQ(table.find_by_cookie(7, start)->facts.channel, "a");
    EXPECT_FALSE(table.find("b", start));
    EXPECT_FALSE(table.find_by_cookie(0, start));
    EXPECT_EQ(table.live().size(), 1U);
}

TEST(ChannelTable, RefusesASecondChannelOfTheSameId) {
    ChannelTable table;
    ASSERT_TRUE(table.add(facts("a")));
    EXPECT_FALSE(table.add(facts("a")));
}

TEST(ChannelTable, RemembersTheFirstVerdictFor60SecondsAfterTheEnd) {
    ChannelTable table;
    auto record = *table.add(facts("a", 7));
    record->record(Verdict::authenticated);
    record->record(Verdict::reset);
    table.end(record, ended, start);
    EXPECT_EQ(table.live_count(), 0U);
    const auto state = table.find("a", start + seconds(60));
    ASSERT_TRUE(state);
    EXPECT_EQ(state->verdict, Verdict::authenticated);
    EXPECT_EQ(state->ended, ended);
    EXPECT_FALSE(table.find("a", start + seconds(61)));
    EXPECT_FALSE(table.find_by_cookie(7, start + seconds(61)));
}

TEST(ChannelTable, GivesStampsThatNoKnownChannelHasAndFindsChannelsByThem) {
    ChannelTable table;
    ChannelFacts stamped = facts("a");
    stamped.stamp = table.fresh_stamp();
    EXPECT_GT(stamped.stamp, 0U);
    EXPECT_LE(stamped.stamp, 0x7fffffffU) << "libtirpc's servers see a negative number";
    const auto record = *table.add(stamped);
    EXPECT_NE(table.fresh_stamp(), stamped.stamp);
    EXPECT_EQ(table.find_by_stamp(stamped.stamp, start)->facts.channel, "a");
    EXPECT_FALSE(table.find_by_stamp(stamped.stamp + 7, start));
    table.end(record, ended, start);
    EXPECT_TRUE(table.find_by_stamp(stamped.stamp, start + seconds(60)));
    EXPECT_FALSE(table.find_by_stamp(stamped.stamp, start + seconds(61)));
}

TEST(ChannelTable, TellsTheLatestEndAndTheCalls) {
    ChannelTable table;
    const auto record = *table.add(facts("a"));
    record->expires_at(ended);
    record->count(1, 2, 3);
    const auto state = table.find("a", start);
    EXPECT_EQ(state->facts.expires, ended);
    EXPECT_EQ(state->calls, 3U);
}

TEST(ChannelTable, RemembersABoundedNumberOfEnds) {
    ChannelTable table({seconds(60), 3});
    for (int i = 0; i < 10; ++i) table.end(*table.add(facts(std::to_string(i))), ended, start);
    EXPECT_FALSE(table.find("6", start));
    EXPECT_TRUE(table.find("7", start));
    EXPECT_TRUE(table.find("9", start));
}

ChannelFacts opened(const std::string& channel, uid_t caller, ChannelQuota quota,
                    const std::string& unit = "") {
    ChannelFacts result = facts(channel);
    result.caller = caller;
    result.unit = unit;
    result.quota = quota;
    return result;
}

TEST(ChannelTable, BoundsWhatAUidOpenedAndGivesThePlaceBackAtTheEnd) {
    constexpr ChannelQuota quota{0, 2, 0};
    ChannelTable table;
    const auto first = table.add(opened("a", 1, quota));
    EXPECT_TRUE(table.check(opened("b", 1, quota)));
    ASSERT_TRUE(first && table.add(opened("b", 1, quota)));
    const auto refused = table.check(opened("c", 1, quota));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::limit);
    EXPECT_EQ(refused.error().message,
              "uid 1 has 2 live channels already, as many as daemon.limits.channels_per_uid allows");
    EXPECT_EQ(table.add(opened("c", 1, quota)).error().code, Code::limit)
        << "what passed check() may be late";
    EXPECT_TRUE(table.add(opened("d", 2, quota))) << "another user's";
    table.end(*first, ended, start);
    EXPECT_TRUE(table.check(opened("c", 1, quota)));
    EXPECT_TRUE(table.add(opened("c", 1, quota)));
    EXPECT_FALSE(table.check(opened("e", 1, quota)));
}

TEST(ChannelTable, BoundsAUnitOverItsUidsAndAllOfThem) {
    constexpr ChannelQuota of_unit{0, 0, 2};
    ChannelTable table;
    const auto first = table.add(opened("a", 1, of_unit, "a.service"));
    ASSERT_TRUE(first && table.add(opened("b", 2, of_unit, "a.service")));
    EXPECT_EQ(
        table.check(opened("c", 3, of_unit, "a.service")).error().message,
        "unit a.service has 2 live channels already, as many as daemon.limits.channels_per_unit allows");
    EXPECT_TRUE(table.check(opened("c", 3, of_unit, "b.service")));
    EXPECT_TRUE(table.check(opened("c", 3, of_unit))) << "no unit is not a unit";
    constexpr ChannelQuota of_all{2, 0, 0};
    EXPECT_EQ(table.check(opened("c", 3, of_all)).error().message,
              "there are 2 live channels already, as many as daemon.limits.channels allows");
    table.end(*first, ended, start);
    EXPECT_TRUE(table.check(opened("c", 3, of_unit, "a.service")));
    EXPECT_TRUE(table.check(opened("c", 3, of_all)));
}

TEST(ChannelTable, DoesNotCountWhatWasAcceptedOrRefused) {
    constexpr ChannelQuota quota{1, 1, 0};
    ChannelTable table;
    ChannelFacts accepted = opened("a", 1, quota);
    accepted.role = Role::acceptor;
    ASSERT_TRUE(table.add(accepted));
    const auto first = table.add(opened("b", 1, quota));
    ASSERT_TRUE(first) << "one that was accepted is not among those opened";
    accepted.channel = "c";
    EXPECT_TRUE(table.check(accepted));
    table.end(*first, ended, start);
    ASSERT_FALSE(table.add(opened("a", 1, quota))) << "there is one of that id";
    EXPECT_TRUE(table.check(opened("d", 1, quota))) << "the refused one kept its place";
}

}  // namespace
}  // namespace mutual::channel
