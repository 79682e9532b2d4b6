// SPDX-License-Identifier: Apache-2.0
// What the other programs may answer, and what the broker makes of it.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "daemon/broker/channel_messages.h"
#include "daemon/broker/keys_messages.h"
#include "daemon/broker/plugins_messages.h"

namespace mutual::broker {
namespace {

namespace json = boost::json;

varlink::Reply reply(std::string_view parameters) {
    varlink::Reply made;
    made.parameters = json::parse(parameters).as_object();
    return made;
}

// The complaint of what refused, or "".
template <class T>
std::string refusal(const Result<T>& result) {
    return result ? "" : result.error().message;
}

TEST(ChannelMessages, AFaultInsideAnObjectIsAFaultOfTheAnswer) {
    EXPECT_EQ(read_listening(reply(R"({"endpoint":{"address":"::1","port":7}})")).value().port, 7);
    EXPECT_EQ(refusal(read_listening(reply(R"({"endpoint":{"address":"::1","port":"7"}})"))),
              "Listen: parameter 'endpoint' parameter 'port' is not an integer");
    EXPECT_EQ(refusal(read_listening(reply(R"({"endpoint":{"port":7}})"))),
              "Listen: parameter 'endpoint' parameter 'address' is missing");
    EXPECT_NE(refusal(read_listening(reply("{}"))), "");

    const Connected connected = read_connected(
        reply(R"({"context":"c","endpoint":{"address":"::1","port":70000},"connectMicroseconds":1,)"
              R"("handshakeMicroseconds":1})"));
    ASSERT_TRUE(connected.error);
    EXPECT_NE(connected.error->message.find("'endpoint'"), std::string::npos) << connected.error->message;
}

TEST(ChannelMessages, FailedAttemptsAreReadOrTheAnswerIsRefused) {
    const std::string rest =
        R"("context":"c","endpoint":{"address":"::1","port":7},"connectMicroseconds":1,"handshakeMicroseconds":1})";
    const Connected good = read_connected(reply(
        R"({"attempts":[{"endpoint":{"address":"::2","port":8},"message":"refused","microseconds":3}],)" +
        rest));
    EXPECT_FALSE(good.error);
    ASSERT_EQ(good.attempts.size(), 1U);
    EXPECT_EQ(good.attempts[0].endpoint.text(), "[::2]:8");
    for (const char* bad : {R"([{"endpoint":{"address":"::2","port":8}}])", R"([{"message":"refused"}])",
                            R"([{"endpoint":{"address":7,"port":8},"message":"refused"}])"})
        EXPECT_TRUE(read_connected(reply(R"({"attempts":)" + std::string(bad) + "," + rest)).error) << bad;
}

TEST(KeysMessages, AFaultInsideAnObjectIsAFaultOfTheAnswer) {
    const auto accepting = [](const std::string& key) {
        auto answer = reply(R"({"grantFileDescriptors":[],"generation":1,"keys":[)" + key + "]}");
        return refusal(read_accepting(answer));
    };
    EXPECT_EQ(accepting(R"({"principal":"a@R","kvno":3,"enctype":"aes"})"), "");
    EXPECT_EQ(accepting(R"({"principal":"a@R","kvno":"3","enctype":"aes"})"),
              "GrantAccept: parameter 'keys' parameter 'kvno' is not an integer");
    EXPECT_EQ(accepting(R"({"principal":"a@R","kvno":3})"),
              "GrantAccept: parameter 'keys' parameter 'enctype' is missing");

    const auto facts = [](const std::string& flags) {
        return refusal(read_facts(reply(
            R"({"role":"initiator","initiator":"a@R","acceptor":"b@R","expires":1,"flags":)" + flags + "}")));
    };
    EXPECT_EQ(facts(R"({"mutual":true,"confidentiality":true,"integrity":true,"replay":true,"sequence":true,)"
                    R"("delegation":false})"),
              "");
    EXPECT_EQ(facts(R"({"mutual":1,"confidentiality":true,"integrity":true,"replay":true,"sequence":true,)"
                    R"("delegation":false})"),
              "Facts: parameter 'flags' parameter 'mutual' is not a boolean");
}

TEST(PluginsMessages, AProblemThatCannotBeReadIsAProblem) {
    const Found good = read_found(reply(
        R"({"candidates":[],"notes":[],"problem":{"code":"Denied","stage":"discovery","message":"m","hint":"h"}})"));
    ASSERT_TRUE(good.problem);
    EXPECT_EQ(*good.problem, Error(Code::denied, Stage::discovery, "m", "h"));
    const Found bad =
        read_found(reply(R"({"candidates":[],"notes":[],"problem":{"code":"Denied","message":["m"]}})"));
    ASSERT_TRUE(bad.problem);
    EXPECT_EQ(bad.problem->code, Code::invalid_request);
    EXPECT_EQ(bad.problem->stage, Stage::discovery);
}

TEST(PluginsMessages, APlaceOfAnRpcProgramHasAnAddressAndAPort) {
    const auto good =
        read_rpc_place(reply(R"({"address":"192.0.2.7","port":7000,"how":"rpcbind v4","new":1})"));
    ASSERT_TRUE(good);
    EXPECT_EQ(good->address, "192.0.2.7");
    EXPECT_EQ(good->port, 7000);
    EXPECT_EQ(good->how, "rpcbind v4");
    for (const char* bad :
         {R"({"address":"192.0.2.7","port":0,"how":""})", R"({"address":"192.0.2.7","port":65536,"how":""})",
          R"({"port":7000,"how":""})", R"({"address":7,"port":7000,"how":""})", R"({})"})
        EXPECT_FALSE(read_rpc_place(reply(bad))) << bad;
}

TEST(PluginsMessages, AStatusOfAnotherShapeIsRefused) {
    const auto status = [](const std::string& more) {
        return read_plugins_status(
            reply(R"({"pid":7,"fingerprint":"f","plugins":[{"name":"scp","path":"/p","version":"1",)"
                  R"("state":"backoff","finders":2)" +
                  more + "}]}"));
    };
    const auto good = status(
        R"(,"failures":3,"problem":{"code":"PluginFailed","stage":"discovery","message":"m","hint":"h"})");
    ASSERT_TRUE(good) << good.error().message;
    ASSERT_EQ(good->plugins.size(), 1U);
    EXPECT_EQ(good->plugins[0].failures, 3);
    EXPECT_EQ(good->plugins[0].problem, Error(Code::plugin_failed, Stage::discovery, "m", "h"));
    EXPECT_FALSE(status(R"(,"failures":3)").value().plugins[0].problem);
    EXPECT_FALSE(status(R"(,"failures":3,"problem":null)").value().plugins[0].problem);
    EXPECT_EQ(refusal(status(R"(,"failures":3,"problem":"gone")")),
              "Status: parameter 'plugins' parameter 'problem' is not an object");
    for (const char* bad : {"", R"(,"failures":"3")", R"(,"failures":3,"problem":{"message":["m"]})"})
        EXPECT_FALSE(status(bad)) << bad;
    EXPECT_FALSE(read_plugins_status(reply(R"({"pid":7,"fingerprint":"f","plugins":["scp"]})")));
    EXPECT_FALSE(read_plugins_status(reply("{}")));
}

}  // namespace
}  // namespace mutual::broker
