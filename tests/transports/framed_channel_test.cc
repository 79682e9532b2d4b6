// SPDX-License-Identifier: Apache-2.0
// The example of a transport in mutuald-channel, with real Kerberos contexts.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "daemon/channel/harness.h"

namespace mutual::channel {
namespace {

using namespace testing;

class FramedChannel : public ::testing::Test {
protected:
    World world{FRAMED_PLUGIN, {}};
};

TEST_F(FramedChannel, CarriesOctetsAndEndsBothWays) {
    const auto opened = world.connect({world.listen_endpoint()});
    ASSERT_EQ(opened.reply.error, "");
    const UniqueFd accepted = world.neighbours.next_program();
    const std::string text(1'000'000, 'x');
    std::thread sending([&] {
        send_all(opened.program.value(), text);
        ::shutdown(opened.program.value(), SHUT_WR);
    });
    EXPECT_EQ(receive_to_end(accepted.value()), text);
    sending.join();
    send_all(accepted.value(), "answer");
    ::shutdown(accepted.value(), SHUT_WR);
    EXPECT_EQ(receive_to_end(opened.program.value()), "answer");
    EXPECT_TRUE(world.ends(opened.channel, "authenticated"));
    EXPECT_TRUE(world.ends(world.neighbours.last_channel(), "authenticated"));
}

TEST_F(FramedChannel, ARefusedPeerGetsNoLastToken) {
    world.neighbours.refuse_admission(true);
    EXPECT_EQ(world.connect({world.listen_endpoint()}).reply.error, "org.mutuald.Channel.RefusedByPeer");
}

TEST_F(FramedChannel, AConnectionThatEndsWithoutAWordIsUnauthenticated) {
    const auto handshake = world.realm.handshake(Role::initiator);
    RawPeer peer = RawPeer::connected_to(world.listen_endpoint());
    peer.send_frame(handshake->step({}).token);
    ASSERT_TRUE(handshake->step(peer.receive_frame()).done);
    const UniqueFd program = world.neighbours.next_program();
    ::shutdown(peer.socket(), SHUT_WR);
    EXPECT_EQ(receive_to_end(program.value()), "");
    EXPECT_EQ(verdict_of(world.who_is(world.neighbours.last_channel())), "unauthenticated");
}

}  // namespace
}  // namespace mutual::channel
