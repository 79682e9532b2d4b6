// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/launcher/plan.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mutual::launcher {
namespace {

Result<unit::Account> find_user(const std::string& name) {
    const std::vector<std::string> names{"mutuald", "mutuald-keys", "mutuald-channel", "mutuald-plugin"};
    const auto place = std::find(names.begin(), names.end(), name);
    if (place == names.end())
        return Error{Code::invalid_configuration, Stage::request, "there is no " + name};
    const auto uid = static_cast<uid_t>(900 + (place - names.begin()));
    return unit::Account{name, uid, uid};
}

Plan planned(std::vector<std::string> transports) {
    const LauncherOptions options{std::move(transports), "/opt/bin"};
    auto plan = make_plan(options, find_user);
    EXPECT_TRUE(plan) << to_string(plan.error());
    return *plan;
}

std::vector<std::string> described(const Plan& plan) {
    std::vector<std::string> lines;
    for (const ProgramPlan& program : plan.programs) {
        std::string line = program.account.name + (program.may_change_users ? "+" : "");
        for (const std::string& word : program.command) line += " " + word;
        for (const SocketPlan& socket : program.sockets)
            line += " " + socket.name + "=" + socket.path + ":" + socket.owner.name + ":" +
                    (socket.mode == 0666   ? "all"
                     : socket.mode == 0600 ? "owner"
                                           : "?");
        lines.push_back(line);
    }
    return lines;
}

TEST(LauncherPlan, GivesEverySocketToWhoMayConnect) {
    const std::string run = "=/run/mutuald/";
    const std::vector<std::string> expected{
        "mutuald-keys+ /opt/bin/mutuald-keys keys" + run + "keys.sock:mutuald:owner",
        "mutuald-plugin /opt/bin/mutuald-plugin plugin" + run + "plugin.sock:mutuald:owner",
        "mutuald-channel /opt/bin/mutuald-channel --transport sockets channel" + run +
            "channel-sockets.sock:mutuald:owner",
        "mutuald-channel /opt/bin/mutuald-channel --transport oncrpc channel" + run +
            "channel-oncrpc.sock:mutuald:owner",
        "mutuald /opt/bin/mutuald api" + run + "mutuald.sock:root:all admission" + run +
            "admission.sock:mutuald-channel:owner"};
    EXPECT_EQ(described(planned({"sockets", "oncrpc"})), expected);
}

TEST(LauncherPlan, KeepsTheRunFolderRootsAndTheReplayCachePrivate) {
    const Plan plan = planned({"sockets"});
    ASSERT_EQ(plan.folders.size(), 2U);
    EXPECT_EQ(plan.folders[0].path, "/run/mutuald");
    EXPECT_EQ(plan.folders[0].owner.uid, 0U);
    EXPECT_EQ(plan.folders[0].mode, 0755U);
    EXPECT_EQ(plan.folders[1].path, "/run/mutuald-keys");
    EXPECT_EQ(plan.folders[1].owner.name, "mutuald-keys");
    EXPECT_EQ(plan.folders[1].mode, 0700U);
}

TEST(LauncherPlan, SaysHowToMakeAMissingUser) {
    const auto plan = make_plan({}, [](const std::string& name) -> Result<unit::Account> {
        if (name != "mutuald-plugin") return find_user(name);
        return Error{Code::invalid_configuration, Stage::request,
                     "look up user \"mutuald-plugin\": there is none"};
    });
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().message, "look up user \"mutuald-plugin\": there is none");
    EXPECT_NE(plan.error().hint.find("useradd --system"), std::string::npos);
    EXPECT_NE(plan.error().hint.find(" mutuald-plugin,"), std::string::npos);
}

TEST(LauncherPlan, RefusesATransportThatIsNoName) {
    for (const char* name : {"", "../x", "a b", "A", "sockets\n"})
        EXPECT_FALSE(make_plan({{name}, "/opt/bin"}, find_user)) << name;
}

TEST(LauncherPlan, RefusesATransportThatIsNamedTwice) {
    const auto plan = make_plan({{"sockets", "oncrpc", "sockets"}, "/opt/bin"}, find_user);
    ASSERT_FALSE(plan);
    EXPECT_NE(plan.error().message.find("sockets is named twice"), std::string::npos);
}

}  // namespace
}  // namespace mutual::launcher
