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

const WallTime start{seconds(1000000)};

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
    table.end(record, start);
    EXPECT_EQ(table.live_count(), 0U);
    const auto state = table.find("a", start + seconds(60));
    ASSERT_TRUE(state);
    EXPECT_EQ(state->verdict, Verdict::authenticated);
    EXPECT_EQ(state->ended, start);
    EXPECT_FALSE(table.find("a", start + seconds(61)));
    EXPECT_FALSE(table.find_by_cookie(7, start + seconds(61)));
}

TEST(ChannelTable, RemembersABoundedNumberOfEnds) {
    ChannelTable table({seconds(60), 3});
    for (int i = 0; i < 10; ++i) table.end(*table.add(facts(std::to_string(i))), start);
    EXPECT_FALSE(table.find("6", start));
    EXPECT_TRUE(table.find("7", start));
    EXPECT_TRUE(table.find("9", start));
}

}  // namespace
}  // namespace mutual::channel
