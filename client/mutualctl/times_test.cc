// SPDX-License-Identifier: Apache-2.0
#include "client/mutualctl/times.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace mutual::ctl {
namespace {

using namespace std::chrono_literals;

TEST(Times, ShowSpansInFewWords) {
    EXPECT_EQ(short_span(0us), "0.0ms");
    EXPECT_EQ(short_span(12345us), "12.3ms");
    EXPECT_EQ(short_span(1234567us), "1.235s");
    EXPECT_EQ(long_span(59s), "59s");
    EXPECT_EQ(long_span(312s), "5min 12s");
    EXPECT_EQ(long_span(3h), "3h");
    EXPECT_EQ(long_span(51h), "2d 3h");
    EXPECT_EQ(long_span(-5s), "0s");
}

TEST(Times, ShowTimesRelativeToNow) {
    EXPECT_EQ(relative_time(0, 100), "");
    EXPECT_EQ(relative_time(100, 100), "now");
    EXPECT_EQ(relative_time(40, 100), "1min ago");
    EXPECT_EQ(relative_time(100 + 7260, 100), "in 2h 1min");
}

TEST(Times, ShowLocalTimeWithItsOffset) {
    ::setenv("TZ", "XYZ-5:30", 1);
    ::tzset();
    EXPECT_EQ(local_time(1'000'000'000), "2001-09-09T07:16:40+05:30");
    EXPECT_EQ(local_time(0), "");
    ::unsetenv("TZ");
    ::tzset();
}

TEST(Times, ParseSpansThatPeopleWrite) {
    EXPECT_EQ(parse_span("10"), 10s);
    EXPECT_EQ(parse_span("2.5"), 2500ms);
    EXPECT_EQ(parse_span("500ms"), 500ms);
    EXPECT_EQ(parse_span("5min"), 5min);
    EXPECT_EQ(parse_span("8h"), 8h);
    EXPECT_EQ(parse_span("1d"), 24h);
}

TEST(Times, RefuseWhatIsNoSpan) {
    for (const char* text : {"", "s", "-1", "0", "1 s", "10q", "1e3", "nan", "inf", "99999d", "0x10", "+5"})
        EXPECT_FALSE(parse_span(text)) << text;
}

}  // namespace
}  // namespace mutual::ctl
