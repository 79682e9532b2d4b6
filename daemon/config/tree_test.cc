// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/tree.h"

#include <gtest/gtest.h>

#include "daemon/config/duration.h"

namespace mutual::config {
namespace {

using namespace std::chrono_literals;

std::string json(std::string_view toml) {
    const auto tree = parse_toml(toml, "f");
    if (!tree) return to_string(tree.error());
    const auto text = to_json(*tree);
    return text ? *text : to_string(text.error());
}

TEST(Tree, BecomesJson) {
    EXPECT_EQ(json("a=1\nb=true\nc=1.5\nd='x'\ne=[1,[]]\n[f]\ng=-2\n[h]\n"),
              R"({"a":1,"b":true,"c":1.5,"d":"x","e":[1,[]],"f":{"g":-2},"h":{}})");
    EXPECT_EQ(json("a=\"q\\\"b\\\\n\\n\\u0001\""), R"({"a":"q\"b\\n\u000a\u0001"})");
    EXPECT_NE(json("a=inf").find("f:1:3: infinite"), std::string::npos);
}

TEST(Tree, KnowsWhereKeysAndValuesAre) {
    const Node root = parse_toml("[a]\n  b = 'x'\n", "f").value();
    const Node& a = root.table()->at("a");
    EXPECT_EQ(to_string(a.key), "f:1:2");
    EXPECT_EQ(to_string(a.table()->at("b").key), "f:2:3");
    EXPECT_EQ(to_string(a.table()->at("b").value), "f:2:7");
}

TEST(Tree, MergesTablesAndReplacesTheRest) {
    Node root = parse_toml("a={b=1,c=[1,2]}\nd=1", "f").value();
    merge(root, parse_toml("a={c=[3]}\nd={e=1}", "g").value());
    EXPECT_EQ(to_json(root).value(), R"({"a":{"b":1,"c":[3]},"d":{"e":1}})");
}

TEST(Duration, NeedsAWholeNumberAndAUnit) {
    EXPECT_EQ(parse_duration("500ms"), 500ms);
    EXPECT_EQ(parse_duration("5min"), 5min);
    EXPECT_EQ(parse_duration("0s"), 0ms);
    for (const char* text :
         {"", "5", "s", "-1s", "1.5s", "1 s", " 1s", "1sec", "99999999999999999999s", "9999999999d"})
        EXPECT_FALSE(parse_duration(text)) << text;
    EXPECT_EQ(to_text(90'000ms), "90s");
    EXPECT_EQ(to_text(300'000ms), "5min");
    EXPECT_EQ(to_text(0ms), "0s");
}

}  // namespace
}  // namespace mutual::config
