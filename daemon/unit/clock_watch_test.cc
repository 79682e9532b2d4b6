// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/clock_watch.h"

#include <gtest/gtest.h>

namespace mutual::unit {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

const ClockWatch::Time now{hours(7)};
const ClockWatch::WallTime wall{hours(400'000)};

TEST(ClockWatch, SeesNothingWhileBothClocksGoOn) {
    ClockWatch watch(now, wall);
    EXPECT_FALSE(watch.was_set(now, wall));
    EXPECT_FALSE(watch.was_set(now + hours(9), wall + hours(9) + milliseconds(900)));
}

TEST(ClockWatch, TellsOnceThatTheWallClockWasSetEitherWay) {
    ClockWatch watch(now, wall);
    EXPECT_TRUE(watch.was_set(now + seconds(1), wall + seconds(601)));
    EXPECT_FALSE(watch.was_set(now + seconds(2), wall + seconds(602)));
    EXPECT_TRUE(watch.was_set(now + seconds(3), wall + seconds(3)));
    EXPECT_FALSE(watch.was_set(now + seconds(4), wall + seconds(4)));
}

TEST(ClockWatch, TellsOfAClockThatIsMovedLittleByLittle) {
    ClockWatch watch(now, wall);
    EXPECT_FALSE(watch.was_set(now + hours(1), wall + hours(1) + milliseconds(600)));
    EXPECT_TRUE(watch.was_set(now + hours(2), wall + hours(2) + milliseconds(1200)));
}

}  // namespace
}  // namespace mutual::unit
