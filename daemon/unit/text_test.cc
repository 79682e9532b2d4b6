// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/text.h"

#include <gtest/gtest.h>

namespace mutual::unit {
namespace {

TEST(ShownText, QuotesAndEscapesWhatIsNotPrintable) {
    EXPECT_EQ(shown("alice"), R"("alice")");
    EXPECT_EQ(shown("a\"b\\c"), R"("a\"b\\c")");
    EXPECT_EQ(shown(std::string_view("\0\n\x1b[31m\x7f\xc3\xa4", 10)), R"("\x00\n\x1b[31m\x7f\xc3\xa4")");
}

TEST(ShownText, IsCapped) {
    EXPECT_EQ(shown("abcdef", 3), R"("abc"... (6 octets))");
    EXPECT_EQ(shown("abc", 3), R"("abc")");
}

TEST(OneLine, KeepsQuotesAndEscapesLineEnds) { EXPECT_EQ(one_line("a \"b\"\nc", 100), R"(a "b"\nc)"); }

}  // namespace
}  // namespace mutual::unit
