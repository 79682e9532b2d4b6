// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/knc_lines.h"

#include <gtest/gtest.h>

namespace mutual::broker {
namespace {

std::string lines(const std::string& address, const std::string& peer = "alice@R") {
    const Result<std::string> made = knc_lines({{address, 40000}, peer, "v1"});
    return made ? *made : "refused: " + made.error().message;
}

TEST(KncLines, AreThoseOfKncInItsOrder) {
    EXPECT_EQ(lines("192.0.2.9"),
              "MECH:krb5\n"
              "CREDS:alice@R\n"
              "EXPORT_NAME:0401000B06092A864886F71201020200000007616C6963654052\n"
              "REMOTE_IP:192.0.2.9\n"
              "REMOTE_ADDR:192.0.2.9\n"
              "REMOTE_PORT:40000\n"
              "VERSION:v1\n"
              "END\n");
}

TEST(KncLines, NameTheFamilyOfTheAddress) {
    EXPECT_NE(lines("::ffff:192.0.2.9").find("\nREMOTE_IP:192.0.2.9\nREMOTE_ADDR:192.0.2.9\n"),
              std::string::npos);
    EXPECT_NE(lines("fe80::1%eth0").find("\nREMOTE_IP6:fe80::1\nREMOTE_ADDR:fe80::1\n"), std::string::npos);
}

TEST(KncLines, KeepColonsAndEscapesOfANameAsTheyAre) {
    EXPECT_NE(lines("192.0.2.9", R"(a:b\nEND@R)").find("\nCREDS:a:b\\nEND@R\n"), std::string::npos);
}

TEST(KncLines, NoNameAddsALine) {
    for (const std::string name : {"a\nCREDS:root@R", "a\r@R", "a\x7f@R", "\n", ""})
        EXPECT_EQ(lines("192.0.2.9", name).find("CREDS"), std::string::npos) << name;
    EXPECT_FALSE(knc_lines({{"192.0.2.9", 1}, std::string("a\0b@R", 5), "v1"}));
    EXPECT_FALSE(knc_lines({{"192.0.2.9", 1}, "a@R", "v1\nCREDS:root@R"}));
    EXPECT_FALSE(knc_lines({{"192.0.2.9\nCREDS:root@R", 1}, "a@R", "v1"}));
    EXPECT_FALSE(knc_lines({{"nowhere", 1}, "a@R", "v1"}));
    EXPECT_FALSE(knc_lines({{std::string("192.0.2.9\0:", 11), 1}, "a@R", "v1"}));
}

TEST(KncLines, ALongNameIsRefused) {
    EXPECT_TRUE(knc_lines({{"192.0.2.9", 1}, std::string(32'767, 'a'), "v1"}));
    EXPECT_FALSE(knc_lines({{"192.0.2.9", 1}, std::string(32'768, 'a'), "v1"}));
}

}  // namespace
}  // namespace mutual::broker
