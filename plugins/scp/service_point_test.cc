// SPDX-License-Identifier: Apache-2.0
#include "plugins/scp/service_point.h"

#include <gtest/gtest.h>

#include "mutual/spn.h"

namespace mutual::scp {
namespace {

Entry ledger() {
    return {"cn=ledger,cn=Services,dc=mutual,dc=test",
            {{"keywords", {"28630ec1-41d5-11d1-a9c1-0000f80367c1", "version=2.1"}},
             {"serviceclassname", {"ledger"}},
             {"servicednsname", {"app1.mutual.test"}},
             {"servicednsnametype", {"A"}},
             {"servicebindinginformation", {"7010"}}}};
}

std::string reason(const Entry& entry) {
    std::vector<std::string> notes;
    const auto point = read_point(entry, notes);
    return point ? "usable" : point.error().message;
}

std::vector<Candidate> candidates(const Entry& entry, const std::vector<SrvRecord>& records = {}) {
    std::vector<std::string> notes;
    return candidates_of(read_point(entry, notes).value(), SourceTrust::authenticated, records);
}

// As the broker does it.
std::string spn_of(const Candidate& candidate) {
    return to_text(
               {candidate.service_class, candidate.spn_host, candidate.spn_port, "", candidate.service_name})
        .value();
}

TEST(ServicePoint, FT_018_GivesTheLayoutOfAConnectionPoint) {
    const auto found = candidates(ledger());
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].host, "app1.mutual.test");
    EXPECT_EQ(found[0].port, 7010);
    EXPECT_EQ(found[0].spn_port, 0);
    EXPECT_EQ(found[0].source, "cn=ledger,cn=Services,dc=mutual,dc=test");
    EXPECT_EQ(found[0].version, "2.1");
    EXPECT_EQ(found[0].trust, SourceTrust::authenticated);
    EXPECT_EQ(spn_of(found[0]), "ledger/app1.mutual.test/cn=ledger,cn=Services,dc=mutual,dc=test");
}

TEST(ServicePoint, FT_019_ClientAndServiceComposeTheSameNameFromOneObject) {
    const auto entry = ledger();
    ServerSpnRequest service;
    service.kind = SpnKind::service;
    service.service_class = "ledger";
    service.service_name = entry.dn;
    service.hosts = {"app1.mutual.test"};
    const auto registered = compose_server_spns(service, {"other.mutual.test", "other"}).value();
    EXPECT_EQ(registered, std::vector<std::string>{spn_of(candidates(entry).at(0))});
}

TEST(ServicePoint, FT_019_KeepsTheNameOctetByOctet) {
    auto entry = ledger();
    entry.dn = "CN=led\\,ger\\5Cx@y ,OU=Svc, DC=mutual,DC=test";
    EXPECT_EQ(candidates(entry).at(0).service_name, entry.dn);
}

TEST(ServicePoint, FT_020_IgnoresPrincipalNamesThatTheEntryOffers) {
    auto entry = ledger();
    entry.attributes["serviceprincipalname"] = {"ledger/rogue.mutual.test"};
    entry.attributes["keywords"] = {"spn=ledger/rogue.mutual.test", "principal=root@MUTUAL.TEST"};
    entry.attributes["krbprincipalname"] = {"root@MUTUAL.TEST"};
    EXPECT_EQ(spn_of(candidates(entry).at(0)),
              "ledger/app1.mutual.test/cn=ledger,cn=Services,dc=mutual,dc=test");
}

TEST(ServicePoint, FT_047_SaysWhichAttributeIsMissing) {
    for (const char* attribute :
         {"serviceClassName", "serviceDNSName", "serviceDNSNameType", "serviceBindingInformation"}) {
        auto entry = ledger();
        std::string key = attribute;
        for (char& c : key) c = static_cast<char>(std::tolower(c));
        entry.attributes.erase(key);
        EXPECT_EQ(reason(entry), std::string(attribute) + " is missing");
    }
    auto without_keywords = ledger();
    without_keywords.attributes.erase("keywords");
    EXPECT_EQ(reason(without_keywords), "usable");
}

TEST(ServicePoint, FT_047_RefusesSeveralValuesWhereOneIsMeant) {
    auto entry = ledger();
    entry.attributes["servicednsname"].push_back("app2.mutual.test");
    EXPECT_EQ(reason(entry), "serviceDNSName has more than one value");
}

TEST(ServicePoint, FT_052_RefusesABindingThatIsNotUnderstood) {
    for (const char* value : {"0", "70000", "http://app1/", ""}) {
        auto entry = ledger();
        entry.attributes["servicebindinginformation"] = {value};
        EXPECT_EQ(reason(entry).rfind("serviceBindingInformation is not understood", 0), 0U) << value;
    }
}

TEST(ServicePoint, FT_052_PassesOverOneBadBindingAndNotesIt) {
    auto entry = ledger();
    entry.attributes["servicebindinginformation"] = {"70000", "port=7011;priority=2;weight=9"};
    std::vector<std::string> notes;
    const auto point = read_point(entry, notes).value();
    ASSERT_EQ(notes.size(), 1U);
    EXPECT_NE(notes[0].find(entry.dn), std::string::npos);
    const auto found = candidates_of(point, SourceTrust::authenticated, {});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].port, 7011);
    EXPECT_EQ(found[0].priority, 2U);
    EXPECT_EQ(found[0].weight, 9U);
}

TEST(ServicePoint, FT_052_RefusesAHostThatIsNone) {
    for (const char* host : {"app1/rogue", "app 1", "app1@X", "..", ".app1", "*", "äpp", "app1\\", "a..b"}) {
        auto entry = ledger();
        entry.attributes["servicednsname"] = {host};
        EXPECT_EQ(reason(entry), "serviceDNSName is not a host name") << host;
    }
    auto entry = ledger();
    entry.attributes["servicednsnametype"] = {"CNAME"};
    EXPECT_EQ(reason(entry), "serviceDNSNameType is neither A nor SRV");
}

TEST(ServicePoint, BoundsItsText) {
    auto entry = ledger();
    entry.attributes["serviceclassname"] = {std::string(1025, 'a')};
    EXPECT_EQ(reason(entry), "serviceClassName is too long");
    entry = ledger();
    entry.dn = "cn=" + std::string(1024, 'a');
    EXPECT_EQ(reason(entry), "its distinguished name is too long");
}

TEST(ServicePoint, FT_049_TypeSrvTakesHostAndPortOfEachRecordAndOnlyItsTrust) {
    auto entry = ledger();
    entry.attributes["servicednsname"] = {"_ledger._tcp.mutual.test"};
    entry.attributes["servicednsnametype"] = {"srv"};
    entry.attributes.erase("servicebindinginformation");
    const auto found = candidates(
        entry, {{"app1.mutual.test.", 7010, 0, 5}, {"app2.mutual.test", 7020, 1, 0}, {"a/b", 1, 0, 0}});
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(spn_of(found[0]), "ledger/app1.mutual.test/cn=ledger,cn=Services,dc=mutual,dc=test");
    EXPECT_EQ(found[1].port, 7020);
    EXPECT_EQ(found[1].priority, 1U);
    EXPECT_EQ(found[1].trust, SourceTrust::unauthenticated);
}

TEST(ServicePoint, FT_048_TellsTheServiceClassApartWithoutRegardToCase) {
    std::vector<std::string> notes;
    const auto point = read_point(ledger(), notes).value();
    EXPECT_TRUE(is_of_class(point, "Ledger"));
    EXPECT_TRUE(is_of_class(point, ""));
    EXPECT_FALSE(is_of_class(point, "ledgers"));
}

TEST(ServicePoint, ReadsItsVersionFromTheNumberWhenNoKeywordHasIt) {
    auto entry = ledger();
    entry.attributes["keywords"] = {"books"};
    entry.attributes["versionnumber"] = {"7"};
    EXPECT_EQ(candidates(entry).at(0).version, "7");
}

}  // namespace
}  // namespace mutual::scp
