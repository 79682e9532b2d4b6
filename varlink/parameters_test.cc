// SPDX-License-Identifier: Apache-2.0
#include "varlink/parameters.h"

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

namespace mutual::varlink {
namespace {

json::object object_of(std::string_view text) { return json::parse(text).as_object(); }

TEST(Parameters, ReadsWhatIsThere) {
    const json::object object = object_of(R"({"a":"x","n":5,"f":true,"l":["p","q"],"none":null})");
    Parameters parameters(object);
    EXPECT_EQ(parameters.text("a"), "x");
    EXPECT_EQ(parameters.number("n", 0, 5), 5);
    EXPECT_TRUE(parameters.flag("f"));
    EXPECT_EQ(parameters.texts("l"), (std::vector<std::string>{"p", "q"}));
    EXPECT_FALSE(parameters.optional_text("none"));
    EXPECT_TRUE(parameters.finish());
}

TEST(Parameters, RefusesWrongTypesRangesAndUnknownFields) {
    struct Row {
        const char* text;
        const char* complaint;
    };
    for (const Row& row :
         {Row{R"({"n":"5"})", "'n' is not an integer"}, Row{R"({"n":1.5})", "'n' is not an integer"},
          Row{R"({"n":9})", "must be in 0..5"}, Row{R"({"n":-1})", "must be in 0..5"},
          Row{R"({"n":18446744073709551615})", "'n' is not an integer"}, Row{R"({})", "'n' is missing"},
          Row{R"({"n":1,"m":2})", "'m' is unknown"},
          Row{R"({"n":1,"m\nm":2})", "'(not a name)' is unknown"}}) {
        const json::object object = object_of(row.text);
        Parameters parameters(object);
        parameters.number("n", 0, 5);
        Result<void> finished = parameters.finish();
        ASSERT_FALSE(finished) << row.text;
        EXPECT_NE(finished.error().message.find(row.complaint), std::string::npos)
            << finished.error().message;
    }
}

TEST(Parameters, NumbersAreWholeInRangeAndNotTooMany) {
    const json::object good = object_of(R"({"n":[0,5,3]})");
    Parameters read(good);
    EXPECT_EQ(read.numbers("n", 3, 0, 5), (std::vector<std::int64_t>{0, 5, 3}));
    EXPECT_TRUE(read.finish());
    for (const char* text :
         {R"({"n":[0,6]})", R"({"n":[-1]})", R"({"n":[1.5]})", R"({"n":["1"]})", R"({"n":[null]})",
          R"({"n":[1,2,3,4]})", R"({"n":1})", R"({})", R"({"n":[18446744073709551615]})"}) {
        const json::object object = object_of(text);
        Parameters parameters(object);
        EXPECT_TRUE(parameters.numbers("n", 3, 0, 5).empty()) << text;
        EXPECT_FALSE(parameters.finish()) << text;
    }
}

TEST(Parameters, RefusesTextWithANul) {
    const json::object object = object_of(R"({"a":"x\u0000y"})");
    Parameters parameters(object);
    parameters.text("a");
    EXPECT_FALSE(parameters.finish());
}

TEST(Parameters, GivesEachDescriptorOnce) {
    const json::object object = object_of(R"({"first":0,"again":0,"beyond":7})");
    std::vector<UniqueFd> descriptors;
    descriptors.emplace_back(::dup(0));
    Parameters once(object, &descriptors);
    EXPECT_TRUE(once.descriptor("first"));
    EXPECT_TRUE(once.finish_loosely());
    EXPECT_FALSE(once.descriptor("again"));
    EXPECT_FALSE(once.finish_loosely());
    Parameters beyond(object, &descriptors);
    EXPECT_FALSE(beyond.descriptor("beyond"));
    EXPECT_FALSE(beyond.finish_loosely());
}

}  // namespace
}  // namespace mutual::varlink
