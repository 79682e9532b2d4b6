// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/changed_keys.h"

#include <gtest/gtest.h>

namespace mutual::broker {
namespace {

using Keys = std::vector<std::string>;

TEST(ChangedKeys, AreNoneOfTheSameConfiguration) {
    EXPECT_EQ(changed_keys(R"({"daemon":{"a":1},"rule":[{"name":"x"}]})",
                           R"({"rule":[{"name":"x"}],"daemon":{"a":1}})"),
              Keys());
}

TEST(ChangedKeys, AreWhatWasAddedRemovedOrChanged) {
    EXPECT_EQ(changed_keys(R"({"service":{"a":{"port":1,"realm":"R"},"b":{"realm":"R"}}})",
                           R"({"service":{"a":{"port":2,"realm":"R"},"c":{"spns":["x"]}}})"),
              (Keys{"service.a.port", "service.b.realm", "service.c.spns"}));
}

TEST(ChangedKeys, NameRulesAndTellTheirOrder) {
    EXPECT_EQ(changed_keys(R"({"rule":[{"name":"x","users":["a"]},{"name":"y"}]})",
                           R"({"rule":[{"name":"y"},{"name":"x","users":["b"]}]})"),
              (Keys{"rule", "rule.x.users"}));
}

}  // namespace
}  // namespace mutual::broker
