// SPDX-License-Identifier: Apache-2.0
#include "plugins/oncrpc/rpc_options.h"

#include <gtest/gtest.h>

namespace mutual::oncrpc {
namespace {

std::string fault(std::string_view json) {
    const auto read = read_rpc_options(json);
    return read ? "none" : read.error().message;
}

TEST(RpcOptionsOfAService, FT_093_HavePrivacyAndOneMebibyteByDefault) {
    const auto read = read_rpc_options(R"({"program": 200001, "versions": [0]})");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->program, 200001U);
    EXPECT_EQ(read->versions, std::vector<std::uint32_t>{0});
    EXPECT_EQ(read->service, wire::GssService::privacy);
    EXPECT_EQ(read->max_record, 1U << 20);
}

TEST(RpcOptionsOfAService, AreReadAsWritten) {
    const auto read = read_rpc_options(
        R"({"program": 4294967295, "versions": [7, 2], "service": "integrity", "max_record": 67108864})");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->program, 4294967295U);
    EXPECT_EQ(read->versions, (std::vector<std::uint32_t>{2, 7}));
    EXPECT_TRUE(read->has_version(7) && !read->has_version(3));
    EXPECT_EQ(read->service, wire::GssService::integrity);
    EXPECT_EQ(read->max_record, 64U << 20);
    EXPECT_EQ(read_rpc_options(R"({"program":1,"versions":[1],"service":"none"})")->service,
              wire::GssService::none);
}

TEST(RpcOptionsOfAService, NameWhatIsWrongWithThem) {
    EXPECT_NE(fault("{}").find("program"), std::string::npos) << fault("{}");
    EXPECT_NE(fault(R"({"program":1})").find("version"), std::string::npos);
    EXPECT_NE(fault(R"({"program":0,"versions":[1]})").find("program"), std::string::npos);
    EXPECT_NE(fault(R"({"program":1,"versions":[1],"service":"weak"})").find("service"), std::string::npos);
    EXPECT_NE(fault(R"({"program":1,"versions":[1],"max_record":67108865})").find("max_record"),
              std::string::npos);
    EXPECT_NE(fault(R"({"program":1,"versions":[]})").find("versions"), std::string::npos);
    EXPECT_NE(fault(R"({"program":1,"versions":[-1]})").find("versions"), std::string::npos);
    EXPECT_NE(fault(R"({"program":1,"versions":[1],"credential":"dh"})").find("credential"),
              std::string::npos);
    EXPECT_NE(fault(R"({"program":1,"versions":[1],"size":3})").find("size"), std::string::npos);
}

}  // namespace
}  // namespace mutual::oncrpc
