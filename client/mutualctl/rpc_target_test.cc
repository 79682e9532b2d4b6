// SPDX-License-Identifier: Apache-2.0
#include "client/mutualctl/rpc_target.h"

#include <gtest/gtest.h>

namespace mutual::ctl {
namespace {

TEST(RpcTarget, IsANumberWithVersionAndHost) {
    const auto whole = parse_rpc_target("100550:2@app1.example.org");
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->program, 100550U);
    EXPECT_EQ(whole->version, 2U);
    EXPECT_EQ(whole->host, "app1.example.org");
    const auto bare = parse_rpc_target("0x20000001");
    ASSERT_TRUE(bare);
    EXPECT_EQ(bare->program, 0x20000001U);
    EXPECT_FALSE(bare->version);
    EXPECT_FALSE(bare->host);
    EXPECT_EQ(parse_rpc_target("7@2001:db8::1")->host, "2001:db8::1");
    EXPECT_EQ(parse_rpc_target("4294967295:0")->version, 0U);
}

TEST(RpcTarget, IsANameOfEtcRpc) {
    const auto named = parse_rpc_target("portmapper:4");
    ASSERT_TRUE(named) << named.error().message;
    EXPECT_EQ(named->program, 100000U);
    EXPECT_EQ(named->version, 4U);
}

TEST(RpcTarget, RefusesWhatIsNone) {
    for (const char* text : {"", ":2", "@h", "7@", "7:", "7:x", "7:-1", "7:2:3", "0", "4294967296", "-1",
                             "0x", "7:4294967296", "no-such-program"}) {
        const auto target = parse_rpc_target(text);
        ASSERT_FALSE(target) << text;
        EXPECT_EQ(target.error().code, Code::invalid_request) << text;
        EXPECT_FALSE(target.error().hint.empty()) << text;
    }
}

}  // namespace
}  // namespace mutual::ctl
