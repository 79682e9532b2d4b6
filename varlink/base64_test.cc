// SPDX-License-Identifier: Apache-2.0
#include "varlink/base64.h"

#include <gtest/gtest.h>

namespace mutual::varlink {
namespace {

std::vector<std::byte> bytes_of(const std::string& text) {
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    return {begin, begin + text.size()};
}

TEST(Base64, WritesTheExamplesOfRfc4648) {
    const std::pair<const char*, const char*> examples[] = {{"", ""},
                                                            {"f", "Zg=="},
                                                            {"fo", "Zm8="},
                                                            {"foo", "Zm9v"},
                                                            {"foob", "Zm9vYg=="},
                                                            {"fooba", "Zm9vYmE="},
                                                            {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, text] : examples) {
        EXPECT_EQ(to_base64(bytes_of(plain)), text);
        EXPECT_EQ(bytes_from_base64(text), bytes_of(plain));
    }
}

TEST(Base64, CarriesEveryOctet) {
    std::vector<std::byte> all;
    for (unsigned i = 0; i < 256; ++i) all.push_back(static_cast<std::byte>(i));
    EXPECT_EQ(bytes_from_base64(to_base64(all)), all);
}

TEST(Base64, RefusesWhatIsNone) {
    for (const char* text : {"Z", "Zg=", "Zg", "Z===", "Zg==Zg==", "Zm9*", "Zm 9v"})
        EXPECT_FALSE(bytes_from_base64(text)) << text;
}

}  // namespace
}  // namespace mutual::varlink
