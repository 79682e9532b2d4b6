// SPDX-License-Identifier: Apache-2.0
#include "plugins/options/options.h"

#include <gtest/gtest.h>

namespace mutual::options {
namespace {

TEST(PluginOptions, ReadsWhatIsThereAndDefaultsTheRest) {
    const auto object = parse(R"({"base":"dc=a","size":5,"servers":["a","b"],"way":"second"})").value();
    Reader reader(object);
    EXPECT_EQ(reader.text("base"), "dc=a");
    EXPECT_EQ(reader.number("size", 1, 9), 5);
    EXPECT_EQ(reader.number("other", 1, 9), std::nullopt);
    EXPECT_EQ(reader.texts("servers").size(), 2U);
    EXPECT_EQ(reader.choice("way", {"first", "second"}, 0), 1U);
    EXPECT_TRUE(reader.finish().ok());
}

TEST(PluginOptions, NamesAnUnknownKeyAndTheKnownOnes) {
    const auto object = parse(R"({"sevrers":[]})").value();
    Reader reader(object);
    reader.texts("servers");
    const auto answer = reader.finish();
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code, Code::invalid_configuration);
    EXPECT_EQ(answer.error().message, "option `sevrers` is unknown");
    EXPECT_EQ(answer.error().hint, "known options: servers");
}

TEST(PluginOptions, NamesThePlaceOfAWrongType) {
    const auto object = parse(R"({"port":"7010"})").value();
    Reader reader(object, "instances[2]");
    EXPECT_EQ(reader.number("port", 1, 65535), std::nullopt);
    EXPECT_EQ(reader.finish().error().message, "option `instances[2].port` must be a number from 1 to 65535");
}

TEST(PluginOptions, RefusesWhatIsNotAnObject) {
    EXPECT_FALSE(parse("[1]").ok());
    EXPECT_FALSE(parse("{").ok());
    EXPECT_FALSE(parse(R"({"a":[[[[[[[[[[1]]]]]]]]]]})").ok());
    EXPECT_TRUE(parse("").ok());
}

TEST(PluginOptions, RefusesTextWithNul) {
    const auto object = parse(R"({"host":"a\u0000b"})").value();
    Reader reader(object);
    reader.text("host");
    EXPECT_FALSE(reader.finish().ok());
}

}  // namespace
}  // namespace mutual::options
