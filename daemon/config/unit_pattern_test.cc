// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/unit_pattern.h"

#include <gtest/gtest.h>

namespace mutual::config {
namespace {

TEST(UnitPattern, MatchesNamesAndInstances) {
    EXPECT_TRUE(parse_unit_pattern("backup.service")->matches("backup.service"));
    EXPECT_FALSE(parse_unit_pattern("backup.service")->matches("xbackup.service"));
    EXPECT_FALSE(parse_unit_pattern("backup.service")->matches(""));
    EXPECT_TRUE(parse_unit_pattern("worker@*.service")->matches("worker@1.service"));
    EXPECT_TRUE(parse_unit_pattern("worker@*.service")->matches("worker@a.b.service"));
    EXPECT_FALSE(parse_unit_pattern("worker@*.service")->matches("worker.service"));
    EXPECT_FALSE(parse_unit_pattern("worker@*.service")->matches("xworker@1.service"));
}

TEST(UnitPattern, TakesEscapesAsTheyAreWritten) {
    EXPECT_TRUE(parse_unit_pattern("a\\x2db.service")->matches("a\\x2db.service"));
    EXPECT_FALSE(parse_unit_pattern("a\\x2db.service")->matches("ax2db.service"));
    EXPECT_FALSE(parse_unit_pattern("a\\x2db.service")->matches("a-b.service"));
}

TEST(UnitPattern, RefusesWhatIsNoService) {
    for (const char* text : {"", ".service", "a", "a.socket", "a.scope", "a b.service", "a/b.service",
                             "a[b].service", "a?.service"})
        EXPECT_FALSE(parse_unit_pattern(text)) << text;
    EXPECT_FALSE(parse_unit_pattern(std::string(300, 'a') + ".service"));
}

}  // namespace
}  // namespace mutual::config
