// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "mutual/spn.h"

namespace mutual {
namespace {

std::string text_of(const Spn& spn) {
    auto text = to_text(spn);
    EXPECT_TRUE(text) << to_string(text.error());
    return text ? *text : std::string{};
}

// The message of a refusal; also checks what all refusals have in common.
template <class T>
std::string refusal(const Result<T>& result) {
    EXPECT_FALSE(result);
    if (result) return {};
    EXPECT_EQ(result.error().code, Code::invalid_request);
    EXPECT_EQ(result.error().stage, Stage::spn);
    return result.error().message;
}

const std::string dn = "CN=books,OU=fin,DC=corp,DC=example";

TEST(SpnText, FT_001_ClassAndHostWithPortWhenNotZero) {
    EXPECT_EQ(text_of({.service_class = "echod", .host = "app1.corp.example"}), "echod/app1.corp.example");
    EXPECT_EQ(text_of({.service_class = "echod", .host = "app1", .port = 7001}), "echod/app1:7001");
    EXPECT_EQ(text_of({.service_class = "echod", .host = "app1", .port = 0}), "echod/app1");
}

TEST(SpnText, FT_002_ServiceNameIsTheThirdPart) {
    EXPECT_EQ(text_of({.service_class = "ledger", .host = "app1", .service_name = dn}), "ledger/app1/" + dn);
    EXPECT_EQ(text_of({.service_class = "ledger", .host = "app1", .port = 5, .service_name = dn}),
              "ledger/app1:5/" + dn);
}

TEST(SpnText, FT_003_RefusesEmptyClassOrHost) {
    EXPECT_EQ(refusal(to_text({.service_class = "", .host = "app1"})), "service class is empty");
    EXPECT_EQ(refusal(to_text({.service_class = "echod", .host = ""})), "host is empty");
}

TEST(SpnText, FT_004_RefusesSlashInEveryPart) {
    EXPECT_EQ(refusal(to_text({.service_class = "a/b", .host = "h"})),
              "service class holds \"/\" at octet 2");
    EXPECT_EQ(refusal(to_text({.service_class = "a", .host = "h/"})), "host holds \"/\" at octet 2");
    EXPECT_EQ(refusal(to_text({.service_class = "a", .host = "h", .instance = "/i"})),
              "instance name holds \"/\" at octet 1");
    EXPECT_EQ(refusal(to_text({.service_class = "a", .host = "h", .service_name = "CN=x/y"})),
              "service name holds \"/\" at octet 5");
}

TEST(SpnText, FT_008_KeepsDnGuidDomainAndSrvNameUnchanged) {
    for (const std::string name :
         {dn.c_str(), "CN=Web Mail\\, Inc,DC=Corp", "6f9619ff-8b86-d011-b42d-00c04fc964ff", "corp.example",
          "_ledger._tcp.Corp.Example"})
        EXPECT_EQ(text_of({.service_class = "c", .host = "h", .service_name = name}), "c/h/" + name);
}

TEST(SpnText, RefusesWhatIsNotPrintableAscii) {
    for (int octet = 0; octet < 256; ++octet) {
        const std::string odd{static_cast<char>(octet)};
        const bool printable = octet > 0x20 && octet < 0x7f;
        EXPECT_EQ(to_text({.service_class = "c" + odd, .host = "h"}).ok(),
                  printable && odd != "/" && odd != "@");
        EXPECT_EQ(to_text({.service_class = "c", .host = "h" + odd}).ok(),
                  printable && odd != "/" && odd != "@" && odd != ":");
        EXPECT_EQ(to_text({.service_class = "c", .host = "h", .service_name = "CN=" + odd}).ok(),
                  (printable || octet == 0x20) && odd != "/");
    }
}

TEST(SpnText, RefusesPortTogetherWithInstance) {
    EXPECT_EQ(refusal(to_text({.service_class = "c", .host = "h", .port = 1, .instance = "i"})),
              "SPN has both a port and an instance name");
}

TEST(SpnText, RefusesAddressWithoutThirdPart) {
    refusal(to_text({.service_class = "c", .host = "192.0.2.7"}));
    EXPECT_EQ(text_of({.service_class = "c", .host = "192.0.2.7", .service_name = "dc1"}), "c/192.0.2.7/dc1");
    refusal(to_text({.service_class = "c", .host = "2001:db8::1", .service_name = "dc1"}));
}

TEST(SpnText, RefusesMoreThan1024Octets) {
    const std::string longest(max_spn - 4, 'n');
    EXPECT_EQ(text_of({.service_class = "c", .host = "h", .service_name = longest}).size(), max_spn);
    refusal(to_text({.service_class = "c", .host = "h", .service_name = longest + "n"}));
    EXPECT_TRUE(parse_spn("c/h/" + longest));
    refusal(parse_spn("c/h/" + longest + "n"));
}

TEST(SpnParser, FT_011_SplitsTwoAndThreeParts) {
    EXPECT_EQ(*parse_spn("ldap/dc1.corp.example"),
              (Spn{.service_class = "ldap", .host = "dc1.corp.example"}));
    EXPECT_EQ(*parse_spn("ldap/dc1:389"), (Spn{.service_class = "ldap", .host = "dc1", .port = 389}));
    EXPECT_EQ(*parse_spn("ledger/app1/" + dn),
              (Spn{.service_class = "ledger", .host = "app1", .service_name = dn}));
    EXPECT_EQ(*parse_spn("ledger/app1:7/a:9"),
              (Spn{.service_class = "ledger", .host = "app1", .port = 7, .service_name = "a:9"}));
}

TEST(SpnParser, FT_011_MissingPortIsZero) { EXPECT_EQ(parse_spn("ldap/dc1/x")->port, 0); }

TEST(SpnParser, FT_013_RefusesOnePartFourPartsAndEmptyParts) {
    for (const auto* text : {"", "ldap", "a/b/c/d", "a/b/c/", "a/b/c\\/d", "/", "//", "/h", "c/", "c//s",
                             "/h/s", "c/h/", "c/:5", "c/h:"})
        refusal(parse_spn(text));
    EXPECT_EQ(refusal(parse_spn("a/b/c/d")), "SPN has 4 parts");
    EXPECT_EQ(refusal(parse_spn("ldap")), "SPN has 1 part");
}

TEST(SpnParser, FT_014_DigitsArePortOtherSuffixIsInstance) {
    EXPECT_EQ(parse_spn("sql/db1:1433")->port, 1433);
    EXPECT_EQ(parse_spn("sql/db1:1433")->instance, "");
    for (const auto* instance : {"SALES", "1433a", "-1", "+5", "0x10", "1.5"}) {
        EXPECT_EQ(parse_spn(std::string{"sql/db1:"} + instance)->instance, instance);
        EXPECT_EQ(parse_spn(std::string{"sql/db1:"} + instance)->port, 0);
    }
}

TEST(SpnParser, FT_014_RefusesPortsOutOfRange) {
    EXPECT_EQ(parse_spn("c/h:1")->port, 1);
    EXPECT_EQ(parse_spn("c/h:65535")->port, 65535);
    for (const auto* port : {"0", "65536", "70000", "99999999999999999999"})
        EXPECT_EQ(refusal(parse_spn(std::string{"c/h:"} + port)), "port is not in the range 1 to 65535");
}

// To a KDC, "h:7" and "h:007" are two names.
TEST(SpnParser, FT_014_RefusesLeadingZerosOfAPort) {
    for (const auto* port : {"007", "00", "065535", "01"})
        EXPECT_EQ(refusal(parse_spn(std::string{"c/h:"} + port)), "port has a leading zero");
}

TEST(SpnParser, RefusesSecondColonAndRealm) {
    refusal(parse_spn("c/h:1:2"));
    refusal(parse_spn("c/2001:db8::1"));
    refusal(parse_spn("c/h@CORP.EXAMPLE"));
    EXPECT_TRUE(parse_spn("c/h/CN=a@b"));
}

TEST(SpnParser, FT_015_RoundTripsEveryValidCombination) {
    int combinations = 0;
    for (const auto* service_class : {"ldap", "c", "6f9619ff-8b86-d011-b42d-00c04fc964ff", "a:b", "a\\b"})
        for (const auto* host : {"h", "app1.corp.example", "APP1", "CN=app1,DC=x", "_x-y"})
            for (const auto* service_name :
                 {"", "corp.example", "CN=Web Mail\\, Inc,DC=c", "a@b", "x:1", " a "})
                for (const auto* instance : {"", "i", "1a"})
                    for (const int port : {0, 1, 443, 65535}) {
                        if (*instance != 0 && port != 0) continue;
                        const Spn spn{service_class, host, static_cast<std::uint16_t>(port), instance,
                                      service_name};
                        auto parsed = parse_spn(text_of(spn));
                        ASSERT_TRUE(parsed) << text_of(spn);
                        EXPECT_EQ(*parsed, spn);
                        ++combinations;
                    }
    EXPECT_EQ(combinations, 5 * 5 * 6 * 6);
}

TEST(SpnCracker, FT_012_HostStandsInForAMissingServiceName) {
    auto cracked = crack_spn("ldap/dc1:389");
    ASSERT_TRUE(cracked);
    EXPECT_EQ(cracked->service_class, "ldap");
    EXPECT_EQ(cracked->service_name, "dc1");
    EXPECT_EQ(cracked->instance_name, "dc1");
    EXPECT_EQ(cracked->instance_port, 389);
    EXPECT_EQ(crack_spn("ldap/dc1/corp.example")->service_name, "corp.example");
    EXPECT_EQ(crack_spn("ldap/dc1/corp.example")->instance_port, 0);
}

TEST(SpnCracker, RefusesNamedInstanceAndMalformedText) {
    EXPECT_EQ(refusal(crack_spn("sql/db1:SALES")), "port is not numeric");
    refusal(crack_spn("ldap"));
}

TEST(SpnComparison, FT_017_FoldsAsciiCaseOnly) {
    EXPECT_TRUE(same_spn("LDAP/Dc1.Corp.Example", "ldap/dc1.corp.example"));
    EXPECT_FALSE(same_spn("ldap/dc1", "ldap/dc1:389"));
    EXPECT_FALSE(same_spn("ldap/dc1", "ldap/dc10"));
    EXPECT_FALSE(same_spn("a@b", "a`b"));
    EXPECT_FALSE(same_spn("\xc3\x84", "\xc3\xa4"));
    EXPECT_TRUE(same_spn("", ""));
}

TEST(SpnComparison, FT_017_ParsingKeepsTheRegisteredSpelling) {
    EXPECT_EQ(text_of(*parse_spn("LDAP/Dc1/CN=Books")), "LDAP/Dc1/CN=Books");
}

}  // namespace
}  // namespace mutual
