// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/repeats.h"

#include <gtest/gtest.h>

namespace mutual::unit {
namespace {

class RepeatsTest : public testing::Test {
protected:
    // How many of so many equal lines are written.
    int written(int times, const LogFields& fields, std::string_view message = "refused",
                Priority priority = Priority::notice) {
        int count = 0;
        for (int i = 0; i < times; ++i)
            if (repeats_.remark({priority, message, fields}, now_)) ++count;
        return count;
    }
    static LogFields refusal(std::string peer, std::string uid = "1") {
        return {
            {Field::peer, std::move(peer)}, {Field::caller_uid, std::move(uid)}, {Field::decision, "Denied"}};
    }

    Repeats repeats_;
    Repeats::Clock::time_point now_ = Repeats::Clock::now();
};

TEST_F(RepeatsTest, ShowsTheFirstOnesAndThenPowersOfTwo) {
    EXPECT_EQ(written(8, refusal("bob@R")), 8);
    EXPECT_EQ(written(1016, refusal("bob@R")), 7);  // the 16th, 32nd, ... 1024th
    now_ += Repeats::window;
    EXPECT_EQ(written(8, refusal("bob@R")), 8) << "another minute";
}

TEST_F(RepeatsTest, TellHowManyThereWere) {
    EXPECT_EQ(written(15, refusal("bob@R")), 8);
    now_ += std::chrono::milliseconds(2500);
    EXPECT_EQ(repeats_.remark({Priority::notice, "refused", refusal("bob@R")}, now_),
              " (and more like this: 16 in 3 s)");
}

TEST_F(RepeatsTest, OfOneHideNoneOfAnother) {
    written(1000, refusal("bob@R"));
    EXPECT_EQ(written(8, refusal("alice@R")), 8);
    EXPECT_EQ(written(8, refusal("bob@R", "2")), 8);
    EXPECT_EQ(written(8, refusal("[2001:db8::1]:700")), 8);
    EXPECT_EQ(written(8, refusal("[2001:db8::2]:700")), 8);
    EXPECT_EQ(written(7, refusal("[2001:db8::2]:701")), 0) << "another port of the same host";
}

TEST_F(RepeatsTest, WithoutADecisionTheTextTells) {
    EXPECT_EQ(written(100, {}, "it took 17 ms", Priority::warning), 11);
    EXPECT_EQ(written(100, {}, "it took 18 ms", Priority::warning), 1);
    EXPECT_EQ(written(8, {}, "something else", Priority::warning), 8);
}

TEST_F(RepeatsTest, WhatWasDoneIsAlwaysWritten) {
    EXPECT_EQ(written(100, {{Field::decision, "closed"}}), 100);
    EXPECT_EQ(written(100, {{Field::decision, "opened"}}, "opened", Priority::info), 100);
    EXPECT_EQ(written(100, {}, "asked for at this level", Priority::debug), 100);
}

TEST_F(RepeatsTest, AreBoundedInNumber) {
    for (std::size_t i = 0; i < Repeats::most_kinds; ++i)
        EXPECT_EQ(written(1, refusal("peer" + std::to_string(i) + "@R")), 1);
    int count = 0;
    for (int i = 0; i < 1000; ++i) count += written(1, refusal("other" + std::to_string(i) + "@R"));
    EXPECT_EQ(count, 8 + 6) << "what is more shares one count";
    now_ += Repeats::window;
    EXPECT_EQ(written(8, refusal("late@R")), 8);
}

}  // namespace
}  // namespace mutual::unit
