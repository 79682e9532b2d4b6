// SPDX-License-Identifier: Apache-2.0
#include "varlink/pace.h"

#include <gtest/gtest.h>

namespace mutual::varlink {
namespace {

using namespace std::chrono_literals;
constexpr uid_t alice = 1001;
constexpr uid_t bob = 1002;
constexpr Pace::Bounds bounds{.per_second = 2000, .burst = 10, .memory = 1s};

class PaceTest : public testing::Test {
protected:
    // How long the last of so many calls, made at once, has to wait.
    Pace::Clock::duration call(uid_t uid, unsigned times) {
        auto when = now_;
        for (unsigned i = 0; i < times; ++i) when = pace_.take(uid, 1, now_);
        return when - now_;
    }

    Pace pace_{bounds};
    Pace::Clock::time_point now_ = Pace::Clock::now();
};

TEST_F(PaceTest, WhoCallsAloneNeverWaits) { EXPECT_EQ(call(bob, 100'000), 0s); }

TEST_F(PaceTest, WhileOthersCallAUserHasABurstAndThenItsShare) {
    call(alice, 1);
    EXPECT_EQ(call(bob, 11), 0s);
    EXPECT_EQ(call(bob, 1000), 1s);  // 1000 a second for each of two
    EXPECT_EQ(call(alice, 1), 0s);
}

TEST_F(PaceTest, WhatCostsMoreTakesMore) {
    call(alice, 1);
    pace_.take(bob, 510, now_);
    EXPECT_EQ(call(bob, 1), 500ms);
}

TEST_F(PaceTest, WhatWasDoneAloneIsNotHeldAgainstAUser) {
    call(bob, 100'000);
    call(alice, 1);
    EXPECT_EQ(call(bob, 1), 0s);
}

TEST_F(PaceTest, SharesAreSmallerWhenMoreUsersCall) {
    for (uid_t uid = 0; uid < 9; ++uid) call(uid, 1);
    EXPECT_EQ(call(bob, 211), 1s);  // 2000 a second for ten
}

TEST_F(PaceTest, OthersCountNoLongerWhenTheyAreQuiet) {
    call(alice, 1);
    now_ += 900ms;
    EXPECT_GT(call(bob, 1000), 0s);
    now_ += 101ms;
    EXPECT_EQ(call(bob, 1), 0s);
}

}  // namespace
}  // namespace mutual::varlink
