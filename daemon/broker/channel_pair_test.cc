// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/channel_pair.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "varlink/socket.h"

namespace mutual::broker {
namespace {

TEST(ChannelPair, GivesTheProgramASocketThatBlocksAndOursOneThatDoesNot) {
    const auto ends = make_channel_pair();
    ASSERT_TRUE(ends);
    EXPECT_EQ(::fcntl(ends->program.value(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(ends->channel.value(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(ChannelPair, KnowsTheCookieOfTheProgramsEnd) {
    const auto ends = make_channel_pair();
    ASSERT_TRUE(ends);
    EXPECT_EQ(ends->cookie, varlink::socket_cookie(ends->program.value()));
}

}  // namespace
}  // namespace mutual::broker
