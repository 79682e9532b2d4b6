// SPDX-License-Identifier: Apache-2.0
#include "plugins/sockets/two_sessions_test.h"

namespace mutual::sockets {
namespace {

std::string outcome(const std::string& options) {
    FakeHost host{Role::initiator};
    auto transport = std::move(make_transport("{}")).value();
    auto session = transport->session({Role::initiator, options}, host);
    if (session) return "accepted";
    EXPECT_EQ(session.error().code, Code::invalid_configuration);
    EXPECT_EQ(session.error().stage, Stage::connect);
    return session.error().message + "; " + session.error().hint;
}

TEST(SocketsOptions, GssAndCliAreTheDefaults) {
    for (const auto* options : {"", "{}", R"({"wire":"gss"})", R"({"dialect":"cli"})",
                                R"({"wire":"gss","dialect":"cli"})", R"({"dialect":"libknc"})"})
        EXPECT_EQ(outcome(options), "accepted") << options;
}

TEST(SocketsOptions, PlannedValuesAreNotAvailable) {
    EXPECT_EQ(outcome(R"({"wire":"tls"})"),
              "option `wire` must be one of: gss (tls is not available in this version); ");
}

TEST(SocketsOptions, FT_088_OtherValuesAndTypesAreRefused) {
    EXPECT_EQ(outcome(R"({"wire":"plain"})"), "option `wire` must be one of: gss; ");
    EXPECT_EQ(outcome(R"({"wire":""})"), "option `wire` must be one of: gss; ");
    EXPECT_NE(outcome(R"({"wire":1})"), "accepted");
    EXPECT_EQ(outcome(R"({"dialect":"knc"})"), "option `dialect` must be one of: cli, libknc; ");
    EXPECT_NE(outcome(R"({"dialect":null})"), "accepted");
    EXPECT_NE(outcome("[]"), "accepted");
    EXPECT_NE(outcome("{"), "accepted");
}

TEST(SocketsOptions, FT_088_NoOptionLowersTheProtection) {
    EXPECT_EQ(outcome(R"({"protection":"integrity"})"),
              "option `protection` is unknown; known options: wire, dialect");
}

TEST(SocketsOptions, ThePluginItselfHasNone) {
    EXPECT_TRUE(make_transport(""));
    EXPECT_TRUE(make_transport("{}"));
    EXPECT_EQ(make_transport(R"({"wire":"gss"})").error().code, Code::invalid_configuration);
}

}  // namespace
}  // namespace mutual::sockets
