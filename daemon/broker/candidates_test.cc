// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/candidates.h"

#include <gtest/gtest.h>

namespace mutual::broker {
namespace {

config::Service ledger() {
    config::Service service;
    service.name = "ledger";
    service.service_class = "ledger";
    service.realm = "MUTUAL.TEST";
    return service;
}

Candidate found_in_directory() {
    Candidate candidate;
    candidate.host = "app1.mutual.test";
    candidate.port = 7010;
    candidate.service_class = "ledger";
    candidate.service_name = "cn=ledger,ou=Services,dc=mutual,dc=test";
    candidate.source = candidate.service_name;
    candidate.trust = SourceTrust::authenticated;
    return candidate;
}

config::HostPattern host(std::string_view text) { return *config::parse_host_pattern(text); }

TEST(Judge, RefusesEveryCandidateWhereTheDefinitionStatesNoReason) {
    const Judged judged = judge(found_in_directory(), "scp", ledger());
    EXPECT_FALSE(judged.usable);
    EXPECT_EQ(judged.spn, "ledger/app1.mutual.test");
    EXPECT_NE(judged.reason.find("service.ledger.trust"), std::string::npos) << judged.reason;
}

TEST(Judge, AcceptsAListedHostAndOnlyThat) {
    config::Service service = ledger();
    service.trust.hosts = {host("app1.mutual.test")};
    EXPECT_TRUE(judge(found_in_directory(), "scp", service).usable);
    Candidate rogue = found_in_directory();
    rogue.host = "rogue.mutual.test";
    EXPECT_FALSE(judge(rogue, "scp", service).usable);
}

TEST(Judge, LooksAtTheHostThatTheSpnWouldNameNotAtTheOneToConnectTo) {
    config::Service service = ledger();
    service.trust.hosts = {host("app1.mutual.test")};
    Candidate candidate = found_in_directory();
    candidate.spn_host = "rogue.mutual.test";
    EXPECT_FALSE(judge(candidate, "scp", service).usable);
}

TEST(Judge, AcceptsWhatLiesBelowTheBaseIfItWasReadAuthenticated) {
    config::Service service = ledger();
    service.trust.base = "OU=Services, DC=mutual,DC=test";
    EXPECT_TRUE(judge(found_in_directory(), "scp", service).usable);
    Candidate plain = found_in_directory();
    plain.trust = SourceTrust::unauthenticated;
    EXPECT_FALSE(judge(plain, "dnssd", service).usable);
    Candidate rogue = found_in_directory();
    rogue.source = "cn=ledger,cn=rogue,ou=Hosts,dc=mutual,dc=test";
    EXPECT_FALSE(judge(rogue, "scp", service).usable);
}

TEST(Judge, TrustsThreePartsOnlyWhereTheSpnHasThem) {
    config::Service service = ledger();
    service.trust.three_part = true;
    EXPECT_FALSE(judge(found_in_directory(), "scp", service).usable);
    service.spn = config::SpnForm::three_part;
    const Judged judged = judge(found_in_directory(), "scp", service);
    EXPECT_TRUE(judged.usable) << judged.reason;
    EXPECT_EQ(judged.spn, "ledger/app1.mutual.test/cn=ledger,ou=Services,dc=mutual,dc=test");
}

TEST(Judge, FT_020_TakesClassAndRealmFromTheDefinitionAlone) {
    config::Service service = ledger();
    service.trust.hosts = {host("app1.mutual.test")};
    Candidate other = found_in_directory();
    other.service_class = "payroll";
    EXPECT_FALSE(judge(other, "scp", service).usable);
    Candidate cased = found_in_directory();
    cased.service_class = "LEDGER";
    EXPECT_EQ(judge(cased, "scp", service).principal, "ledger/app1.mutual.test@MUTUAL.TEST");
}

TEST(Judge, RefusesWhatCannotStandInAnSpn) {
    config::Service service = ledger();
    service.trust.hosts = {host("app1.mutual.test")};
    service.trust.three_part = true;
    Candidate literal = found_in_directory();
    literal.host = "192.0.2.7";
    EXPECT_FALSE(judge(literal, "static", service).usable);
    Candidate hostile = found_in_directory();
    hostile.host = "app1.mutual.test/evil";
    EXPECT_FALSE(judge(hostile, "scp", service).usable);
    Candidate foreign = found_in_directory();
    foreign.host = "app1.mutual.test\xc3\xa9";
    EXPECT_FALSE(judge(foreign, "scp", service).usable);
    Candidate portless = found_in_directory();
    portless.port = 0;
    EXPECT_FALSE(judge(portless, "scp", service).usable);
}

TEST(Judge, AnRpcServicesPortIsRpcbindsUnlessItStandsInTheSpn) {
    config::Service payroll = ledger();
    payroll.transport = "oncrpc";
    payroll.rpc.emplace();
    payroll.trust.hosts = {host("app1.mutual.test")};
    Candidate portless = found_in_directory();
    portless.port = 0;
    const Judged judged = judge(portless, "scp", payroll);
    EXPECT_TRUE(judged.usable) << judged.reason;
    EXPECT_EQ(judged.candidate.transport, "oncrpc") << "nobody said another";
    payroll.spn = config::SpnForm::host_port;
    EXPECT_FALSE(judge(portless, "scp", payroll).usable);
}

TEST(Judge, FT_093_AnRpcServicesSpnIsComposedInEveryForm) {
    config::Service payroll = ledger();
    payroll.transport = "oncrpc";
    payroll.rpc.emplace();
    payroll.trust.hosts = {host("app1.mutual.test")};
    const auto spn = [&payroll](config::SpnForm form) {
        payroll.spn = form;
        return judge(found_in_directory(), "scp", payroll).spn;
    };
    EXPECT_EQ(spn(config::SpnForm::host), "ledger/app1.mutual.test");
    EXPECT_EQ(spn(config::SpnForm::host_port), "ledger/app1.mutual.test:7010");
    EXPECT_EQ(spn(config::SpnForm::three_part),
              "ledger/app1.mutual.test/cn=ledger,ou=Services,dc=mutual,dc=test");
}

TEST(Judge, RefusesAnotherTransportThanTheDefinitions) {
    config::Service service = ledger();
    service.trust.hosts = {host("app1.mutual.test")};
    Candidate candidate = found_in_directory();
    candidate.transport = "oncrpc";
    EXPECT_FALSE(judge(candidate, "scp", service).usable);
}

TEST(Judge, BelievesOnlyTheStaticPluginThatTheAdministratorSaidIt) {
    Candidate candidate = found_in_directory();
    candidate.trust = SourceTrust::administrator;
    EXPECT_TRUE(judge(candidate, "static", ledger()).usable);
    EXPECT_TRUE(judge(candidate, by_definition, ledger()).usable);
    EXPECT_FALSE(judge(candidate, by_request, ledger()).usable);
    // A plugin that somebody gave that name.
    EXPECT_FALSE(judge(candidate, "host", ledger()).usable);
    EXPECT_FALSE(judge(candidate, "scp", ledger()).usable);
}

TEST(IsBelow, ComparesNamesNotText) {
    EXPECT_TRUE(is_below("cn=a,ou=s,dc=x", "OU = S,DC=x"));
    EXPECT_TRUE(is_below("ou=s,dc=x", "ou=s,dc=x"));
    EXPECT_FALSE(is_below("cn=a\\,ou=s,dc=x", "ou=s,dc=x"));
    EXPECT_FALSE(is_below("cn=a,xou=s,dc=x", "ou=s,dc=x"));
    EXPECT_FALSE(is_below("dc=x", "ou=s,dc=x"));
    EXPECT_FALSE(is_below("ou=s,dc=x", ""));
    EXPECT_FALSE(is_below("", ""));
    EXPECT_FALSE(is_below("nonsense", "nonsense"));
}

Judged ready(std::string source, std::uint32_t priority, std::uint32_t weight) {
    Judged judged;
    judged.usable = true;
    judged.candidate.source = std::move(source);
    judged.candidate.priority = priority;
    judged.candidate.weight = weight;
    return judged;
}

TEST(Order, TriesLowerPriorityFirstAndRefusedOnesLast) {
    std::vector<Judged> candidates{ready("late", 20, 0), ready("refused", 0, 0), ready("early", 10, 0)};
    candidates[1].usable = false;
    order(candidates, [](std::uint32_t) { return 0U; });
    EXPECT_EQ(candidates[0].candidate.source, "early");
    EXPECT_EQ(candidates[1].candidate.source, "late");
    EXPECT_EQ(candidates[2].candidate.source, "refused");
}

TEST(Order, DrawsByWeightAmongEquals) {
    int heavy_first = 0;
    for (std::uint32_t target = 0; target <= 100; ++target) {
        std::vector<Judged> candidates{ready("light", 0, 10), ready("heavy", 0, 90)};
        bool first = true;
        order(candidates, [&](std::uint32_t bound) { return std::exchange(first, false) ? target : bound; });
        if (candidates[0].candidate.source == "heavy") ++heavy_first;
    }
    EXPECT_EQ(heavy_first, 90);
}

TEST(Order, SpreadsEvenlyWithoutWeights) {
    for (std::uint32_t chosen = 0; chosen < 3; ++chosen) {
        std::vector<Judged> candidates{ready("0", 0, 0), ready("1", 0, 0), ready("2", 0, 0)};
        bool first = true;
        order(candidates, [&](std::uint32_t) { return std::exchange(first, false) ? chosen : 0U; });
        EXPECT_EQ(candidates[0].candidate.source, std::to_string(chosen));
    }
}

}  // namespace
}  // namespace mutual::broker
