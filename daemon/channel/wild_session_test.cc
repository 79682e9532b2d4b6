// SPDX-License-Identifier: Apache-2.0
// A transport plugin that breaks the contract: its channel ends with the reason, no octet that nobody proved
// reaches a program, and the others never notice.
#include <gtest/gtest.h>

#include "daemon/channel/harness.h"
#include "varlink/interfaces.h"

namespace mutual::channel {
namespace {

using namespace testing;
using std::chrono::milliseconds;

json::object sin(const char* name) {
    json::object options;
    options["sin"] = name;
    return options;
}

bool lives(World& world) {
    json::object parameters;
    parameters["version"] = varlink::internal_version;
    return world.order("Status", parameters).error.empty();
}

class WildInitiator : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(WildInitiator, EndsItsOwnChannelOnly) {
    World world(WILD_TRANSPORT, sin(GetParam().first));
    const Server server;
    const auto opened = world.connect({server.endpoint});
    EXPECT_EQ(opened.reply.error, "org.mutuald.Channel.PluginFailed");
    const std::string message(opened.reply.parameters.at("message").as_string());
    EXPECT_NE(message.find(GetParam().second), std::string::npos) << message;
    EXPECT_EQ(receive_to_end(opened.program.value()), "");
    EXPECT_TRUE(lives(world));
}

INSTANTIATE_TEST_SUITE_P(
    All, WildInitiator,
    ::testing::Values(std::pair{"throw", "a wild thing"},
                      std::pair{"throw-number", "something unknown was thrown"},
                      std::pair{"no-session", "no session"},
                      std::pair{"tell-program", "octets for the program before the channel was established"},
                      std::pair{"establish", "called itself established at the wrong moment"},
                      std::pair{"admit", "asked for admission at the wrong moment"}));

TEST(WildInitiators, OpenABoundedNumberOfContexts) {
    World world(WILD_TRANSPORT, sin("endless-contexts"));
    const Server server;
    EXPECT_EQ(world.connect({server.endpoint}).reply.error, "org.mutuald.Channel.Limit");
    EXPECT_TRUE(lives(world));
}

// Its peer authenticates; what follows is the session's sin.
class WildAcceptor : public ::testing::TestWithParam<std::pair<const char*, int>> {
protected:
    static void authenticate(World& world, const RawPeer& peer) {
        const auto handshake = world.realm.handshake(Role::initiator);
        const Token token = handshake->step({}).token;
        send_all(peer.socket(), {reinterpret_cast<const char*>(token.data()), token.size()});
    }
};

TEST_P(WildAcceptor, EndsItsOwnChannelAndTellsNoProgram) {
    World world(WILD_TRANSPORT, sin(GetParam().first));
    world.neighbours.refuse_admission(true);
    const auto peer = RawPeer::connected_to(world.listen_endpoint());
    authenticate(world, peer);
    EXPECT_TRUE(is_closed_within(peer.socket(), milliseconds(4000)));
    EXPECT_EQ(world.neighbours.admissions(), GetParam().second);
    EXPECT_EQ(world.order("List", {}).parameters.at("channels").as_array().size(), 0U);
    EXPECT_TRUE(lives(world));
}

INSTANTIATE_TEST_SUITE_P(All, WildAcceptor,
                         ::testing::Values(std::pair{"throw", 0}, std::pair{"no-session", 0},
                                           std::pair{"tell-program", 0}, std::pair{"establish", 0},
                                           std::pair{"admit", 0}, std::pair{"step-again", 0},
                                           std::pair{"tell-unadmitted", 0},
                                           std::pair{"establish-unadmitted", 0},
                                           std::pair{"establish-refused", 1}));

}  // namespace
}  // namespace mutual::channel
