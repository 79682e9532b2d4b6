// SPDX-License-Identifier: Apache-2.0
#include "plugins/scp/filter.h"

#include <gtest/gtest.h>

#include "plugins/scp/guid.h"

namespace mutual::scp {
namespace {

constexpr std::string_view guid = "28630ec1-41d5-11d1-a9c1-0000f80367c1";

TEST(SearchFilter, FT_048_AsksForTheClassKeywordsServiceClassAndInstance) {
    Query query;
    query.keywords = {"books", "version=2"};
    query.service_class = "ledger";
    query.instance = guid;
    EXPECT_EQ(
        search_filter(query, true).value(),
        "(&(objectClass=serviceConnectionPoint)(keywords=books)(keywords=version=2)(serviceClassName=ledger)"
        "(|(entryUUID=28630ec1-41d5-11d1-a9c1-0000f80367c1)"
        "(objectGUID=\\C1\\0Ec\\28\\D5A\\D1\\11\\A9\\C1\\00\\00\\F8\\03g\\C1)))");
}

TEST(SearchFilter, LeavesOutTheServiceClassForAGlobalCatalog) {
    Query query;
    query.service_class = "ledger";
    EXPECT_EQ(search_filter(query, false).value(), "(&(objectClass=serviceConnectionPoint))");
}

TEST(SearchFilter, FT_054_HostileKeywordsStayValues) {
    using namespace std::string_literals;
    Query query;
    query.keywords = {"*", ")(objectClass=*", "a\\2a", "x\0y"s, "(|(cn=*))", "ä"};
    query.service_class = "*)(keywords=*";
    EXPECT_EQ(search_filter(query, true).value(),
              "(&(objectClass=serviceConnectionPoint)(keywords=\\2A)(keywords=\\29\\28objectClass=\\2A)"
              "(keywords=a\\5C2a)(keywords=x\\00y)(keywords=\\28|\\28cn=\\2A\\29\\29)(keywords=\\C3\\A4)"
              "(serviceClassName=\\2A\\29\\28keywords=\\2A))");
}

TEST(SearchFilter, FT_054_EveryOctetKeepsTheShapeOfTheFilter) {
    for (int octet = 0; octet < 256; ++octet) {
        Query query;
        query.keywords = {std::string(1, static_cast<char>(octet))};
        const auto filter = search_filter(query, true).value();
        EXPECT_EQ(std::count(filter.begin(), filter.end(), '('), 3) << octet;
        EXPECT_EQ(std::count(filter.begin(), filter.end(), ')'), 3) << octet;
        EXPECT_EQ(filter.find('*'), filter.npos) << octet;
        EXPECT_EQ(filter.find('\0'), filter.npos) << octet;
    }
}

TEST(SearchFilter, FT_054_AnInstanceMustBeAGuid) {
    for (const char* text :
         {"ledger", "*", "{28630ec1-41d5-11d1-a9c1-0000f80367c1}", "28630ec141d511d1a9c10000f80367c1",
          "28630ec1-41d5-11d1-a9c1-0000f80367c", "28630ec1-41d5-11d1-a9c1-0000f80367cg",
          "28630ec1-41d5-11d1-a9c1-0000f80367c*", "28630ec1-41d5-11d1-a9c1-0000f80367c1)",
          "28630ec1-41d5-11d1-a9c1- 000f80367c1"}) {
        Query query;
        query.instance = text;
        const auto filter = search_filter(query, true);
        ASSERT_FALSE(filter.ok()) << text;
        EXPECT_EQ(filter.error().code, Code::invalid_request);
    }
}

TEST(Guid, IsStoredWithItsFirstThreeGroupsReversed) {
    const StoredGuid stored{0xc1, 0x0e, 0x63, 0x28, 0xd5, 0x41, 0xd1, 0x11,
                            0xa9, 0xc1, 0,    0,    0xf8, 3,    0x67, 0xc1};
    EXPECT_EQ(parse_guid(guid).value(), stored);
}

TEST(DistinguishedName, FT_054_ABaseIsCheckedBeforeItIsUsed) {
    for (const char* good :
         {"dc=mutual,dc=test", "CN=a\\,b,OU=x\\\\y,DC=mutual", "cn=a@b,dc=test", "cn=a\\2Cb,dc=test"})
        EXPECT_TRUE(is_distinguished_name(good)) << good;
    for (const char* bad : {"", "mutual.test", "cn=a,,dc=b", "cn=a\\", "cn=a\\zz", "=x"})
        EXPECT_FALSE(is_distinguished_name(bad)) << bad;
    EXPECT_FALSE(is_distinguished_name(std::string("dc=a\0", 5)));
}

}  // namespace
}  // namespace mutual::scp
