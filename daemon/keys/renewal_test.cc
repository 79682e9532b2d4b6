// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/renewal.h"

#include <gtest/gtest.h>

namespace mutual::keys {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Renewal::Time start{};

TEST(Renewal, IsAtAboutTwoThirdsOfTheLife) {
    for (const double dice : {0.0, 0.5, 1.0}) {
        Renewal renewal;
        renewal.got(start, hours(10), dice);
        EXPECT_GE(renewal.at() - start, hours(6));
        EXPECT_LE(renewal.at() - start, milliseconds(hours(10)) * 3 / 4);
    }
}

TEST(Renewal, DiffersWithTheDice) {
    Renewal one, other;
    one.got(start, hours(10), 0.1);
    other.got(start, hours(10), 0.9);
    EXPECT_GT(other.at() - one.at(), hours(1));
}

TEST(Renewal, PausesGrowAfterFailuresAndStayBounded) {
    Renewal renewal;
    renewal.got(start, hours(10), 0.5);
    seconds last{0};
    for (int i = 0; i < 20; ++i) {
        renewal.failed(start, 0.5);
        const auto pause = std::chrono::duration_cast<seconds>(renewal.at() - start);
        EXPECT_GE(pause, last);
        EXPECT_LE(pause, seconds(300));
        last = pause;
    }
    EXPECT_EQ(last, seconds(300));
}

TEST(Renewal, PausesGrowWhereNoTicketWasEverGot) {
    Renewal renewal;
    milliseconds last{0};
    for (int i = 0; i < 9; ++i) {
        renewal.failed(start, 0.5);
        EXPECT_GT(renewal.at() - start, last);
        last = std::chrono::duration_cast<milliseconds>(renewal.at() - start);
    }
    EXPECT_EQ(last, Renewal::Milliseconds(256'000));
    renewal.failed(start, 0.5);
    EXPECT_EQ(renewal.at() - start, Renewal::longest_pause);
}

TEST(Renewal, AShortTicketIsTriedForOftenBeforeItsEnd) {
    Renewal renewal;
    renewal.got(start, seconds(60), 0.5);
    for (int i = 0; i < 10; ++i) renewal.failed(start, 1.0);
    EXPECT_LE(renewal.at() - start, milliseconds(4200));
}

TEST(Renewal, SuccessForgetsThePauses) {
    Renewal renewal;
    renewal.got(start, hours(10), 0.5);
    for (int i = 0; i < 10; ++i) renewal.failed(start, 0.5);
    renewal.got(start, hours(10), 0.5);
    renewal.failed(start, 0.5);
    EXPECT_EQ(renewal.at() - start, seconds(1));
}

}  // namespace
}  // namespace mutual::keys
