// SPDX-License-Identifier: Apache-2.0
#include "varlink/message.h"

#include <gtest/gtest.h>

namespace mutual::varlink {
namespace {

std::vector<std::string> split(MessageSplitter& splitter) {
    std::vector<std::string> messages;
    std::string message;
    for (auto given = splitter.next(message); given && *given; given = splitter.next(message))
        messages.push_back(message);
    return messages;
}

TEST(MessageSplitter, GivesTheSameMessagesForEverySplitOfTheStream) {
    const std::string stream("{\"method\":\"a.b\"}\0\0{}\0{\"tail\"", 28);
    for (std::size_t first = 0; first <= stream.size(); ++first) {
        for (std::size_t second = first; second <= stream.size(); ++second) {
            MessageSplitter splitter(100);
            std::vector<std::string> messages;
            for (const std::string& piece :
                 {stream.substr(0, first), stream.substr(first, second - first), stream.substr(second)}) {
                splitter.feed(piece);
                for (std::string& message : split(splitter)) messages.push_back(std::move(message));
            }
            ASSERT_EQ(messages, (std::vector<std::string>{"{\"method\":\"a.b\"}", "", "{}"}));
            EXPECT_TRUE(splitter.has_leftovers());
        }
    }
}

// The messages that come before a refusal, each followed by a blank; "" and false without one.
std::pair<std::string, bool> until_refused(MessageSplitter& splitter) {
    std::string messages, message;
    for (;;) {
        const auto given = splitter.next(message);
        if (!given) {
            EXPECT_EQ(given.error().code, Code::limit);
            return {messages, true};
        }
        if (!*given) return {messages, false};
        messages += message + " ";
    }
}

TEST(MessageSplitter, RefusesAMessageOneOctetLongerThanTheLimit) {
    for (const auto& [stream, messages, is_refused] : {std::tuple{std::string("1234\0", 5), "1234 ", false},
                                                       {std::string("1234"), "", false},
                                                       {std::string("12345"), "", true},
                                                       {std::string("12345\0", 6), "", true},
                                                       {std::string("1\00012345\0002\0", 9), "1 ", true},
                                                       {std::string("1\0002\00012345", 9), "1 2 ", true}}) {
        MessageSplitter splitter(4);
        splitter.feed(stream);
        const std::pair<std::string, bool> expected{messages, is_refused};
        EXPECT_EQ(until_refused(splitter), expected);
        std::string message;
        EXPECT_EQ(!splitter.next(message), is_refused);
    }
}

TEST(MessageSplitter, HoldsBackPipelinedMessagesUntilAsked) {
    MessageSplitter splitter(10);
    splitter.feed(std::string_view("a\0b\0", 4));
    std::string message;
    ASSERT_TRUE(splitter.next(message).value());
    EXPECT_EQ(message, "a");
    EXPECT_TRUE(splitter.has_leftovers());
    splitter.feed(std::string_view("c\0", 2));
    EXPECT_EQ(split(splitter), (std::vector<std::string>{"b", "c"}));
    EXPECT_FALSE(splitter.has_leftovers());
}

TEST(Call, RefusesWhatIsNotACall) {
    const Limits limits;
    for (const char* text : {"", "x", "[]", "1", "null", "{", "{}", R"({"method":1})",
                             R"({"method":"a.B","parameters":[]})", R"({"method":"a.B","more":1})",
                             R"({"method":"a.B","oneway":true,"more":true})", R"({"method":"a.B"} {})"}) {
        Result<Call> call = parse_call(text, limits);
        ASSERT_FALSE(call) << text;
        EXPECT_EQ(call.error().code, Code::protocol) << text;
    }
}

TEST(Call, RefusesDeepAndHugeJson) {
    const Limits limits;
    const std::string deep =
        R"({"method":"a.B","parameters":{"x":)" + std::string(100, '[') + std::string(100, ']') + "}}";
    EXPECT_FALSE(parse_call(deep, limits));
    const std::string huge = R"({"method":")" + std::string(limits.message, 'a') + "\"}";
    EXPECT_FALSE(parse_call(huge, limits));
}

// Whoever passes it on would write what is not JSON.
TEST(Call, RefusesANumberThatIsTooLarge) {
    for (const char* number : {"1e400", "-1e400", "[{\"a\":1e999}]"})
        EXPECT_FALSE(
            parse_call(std::string(R"({"method":"a.B","parameters":{"x":)") + number + "}}", Limits()));
    EXPECT_TRUE(parse_call(R"({"method":"a.B","parameters":{"x":1e300}})", Limits()));
}

TEST(Call, IgnoresTopLevelKeysOfOthersAndKeepsParameters) {
    Result<Call> call = parse_call(R"({"method":"a.B","vendor":{"x":1},"parameters":{"n":7}})", Limits());
    ASSERT_TRUE(call);
    EXPECT_EQ(call->method, "a.B");
    EXPECT_EQ(call->parameters.at("n").as_int64(), 7);
}

TEST(Reply, CarriesAnErrorThereAndBack) {
    const Error error(Code::unknown_target, Stage::credentials, "no such principal", "register it");
    Result<Reply> reply = parse_reply(to_text(failure("org.mutuald.Keys", error)), Limits());
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->error, "org.mutuald.Keys.UnknownTarget");
    EXPECT_EQ(error_of(*reply), error);
}

}  // namespace
}  // namespace mutual::varlink
