// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "mutual/spn.h"

namespace mutual {
namespace {

const LocalNames local{.fqdn = "app1.corp.example", .short_name = "APP1"};
const std::string dn = "CN=books,DC=corp,DC=example";
using Texts = std::vector<std::string>;

constexpr SpnKind all_kinds[] = {SpnKind::dns_host, SpnKind::dn_host,        SpnKind::netbios_host,
                                 SpnKind::domain,   SpnKind::netbios_domain, SpnKind::service};

bool host_kind(SpnKind kind) {
    return kind == SpnKind::dns_host || kind == SpnKind::dn_host || kind == SpnKind::netbios_host;
}

ServerSpnRequest request_of(SpnKind kind) {
    ServerSpnRequest request;
    request.kind = kind;
    request.service_class = "ledger";
    if (!host_kind(kind)) request.service_name = dn;
    return request;
}

Texts composed(const ServerSpnRequest& request) {
    auto spns = compose_server_spns(request, local);
    EXPECT_TRUE(spns) << to_string(spns.error());
    return spns ? *spns : Texts{};
}

std::string refused(const ServerSpnRequest& request) {
    auto spns = compose_server_spns(request, local);
    EXPECT_FALSE(spns);
    return spns ? std::string{} : spns.error().message;
}

std::string expected(const ClientSpnRequest& request) {
    auto spn = compose_client_spn(request);
    return spn ? *spn : to_string(spn.error());
}

TEST(ServerSpn, FT_005_HostKindsRefuseAServiceNameAndOthersRequireIt) {
    for (const auto kind : all_kinds) {
        auto request = request_of(kind);
        EXPECT_EQ(composed(request).size(), 1U);
        request.service_name = host_kind(kind) ? dn : "";
        refused(request);
    }
}

TEST(ServerSpn, FT_006_WithoutHostsUsesTheLocalNameOfTheKind) {
    EXPECT_EQ(composed(request_of(SpnKind::dns_host)), Texts{"ledger/app1.corp.example"});
    EXPECT_EQ(composed(request_of(SpnKind::dn_host)), Texts{"ledger/app1.corp.example"});
    EXPECT_EQ(composed(request_of(SpnKind::netbios_host)), Texts{"ledger/APP1"});
    EXPECT_EQ(composed(request_of(SpnKind::domain)), Texts{"ledger/app1.corp.example/" + dn});
    EXPECT_EQ(composed(request_of(SpnKind::netbios_domain)), Texts{"ledger/APP1/" + dn});
    EXPECT_EQ(composed(request_of(SpnKind::service)), Texts{"ledger/app1.corp.example/" + dn});
}

TEST(ServerSpn, FT_006_LocalNameTakesTheSinglePort) {
    auto request = request_of(SpnKind::service);
    request.port = 7001;
    EXPECT_EQ(composed(request), Texts{"ledger/app1.corp.example:7001/" + dn});
}

TEST(ServerSpn, FT_006_RefusesWhenTheLocalNameIsUnknown) {
    for (const auto& [kind, names] :
         {std::pair{SpnKind::dns_host, LocalNames{.fqdn = "", .short_name = "APP1"}},
          std::pair{SpnKind::netbios_host, LocalNames{.fqdn = "a.b", .short_name = ""}}}) {
        const auto spns = compose_server_spns(request_of(kind), names);
        ASSERT_FALSE(spns);
        EXPECT_EQ(spns.error().message, "this machine's name is not known");
    }
}

TEST(ServerSpn, FT_007_OneSpnForEachHostInOrder) {
    auto request = request_of(SpnKind::service);
    request.hosts = {"b.corp", "a.corp", "c.corp"};
    request.port = 99;
    EXPECT_EQ(composed(request),
              (Texts{"ledger/b.corp/" + dn, "ledger/a.corp/" + dn, "ledger/c.corp/" + dn}));
    request.ports = {1, 0, 3};
    EXPECT_EQ(composed(request),
              (Texts{"ledger/b.corp:1/" + dn, "ledger/a.corp/" + dn, "ledger/c.corp:3/" + dn}));
}

TEST(ServerSpn, FT_007_OneHostWithSeveralPorts) {
    auto request = request_of(SpnKind::dns_host);
    request.hosts = {"a.corp", "a.corp"};
    request.ports = {7001, 7002};
    EXPECT_EQ(composed(request), (Texts{"ledger/a.corp:7001", "ledger/a.corp:7002"}));
}

TEST(ServerSpn, FT_007_RefusesAsManyPortsAsThereAreNotHosts) {
    auto request = request_of(SpnKind::dns_host);
    request.ports = {1};
    EXPECT_EQ(refused(request), "1 ports for 0 hosts");
    request.hosts = {"a.corp", "b.corp"};
    refused(request);
}

TEST(ServerSpn, FT_010_FqdnAndShortNameInOneCall) {
    auto request = request_of(SpnKind::dns_host);
    request.with_short_name = true;
    request.port = 7;
    EXPECT_EQ(composed(request), (Texts{"ledger/app1.corp.example:7", "ledger/APP1:7"}));
    request.kind = SpnKind::netbios_host;
    EXPECT_EQ(composed(request), (Texts{"ledger/app1.corp.example:7", "ledger/APP1:7"}));
}

TEST(ServerSpn, FT_010_EqualNamesGiveOneSpn) {
    auto request = request_of(SpnKind::dns_host);
    request.with_short_name = true;
    EXPECT_EQ(*compose_server_spns(request, {.fqdn = "app1", .short_name = "APP1"}), Texts{"ledger/app1"});
}

TEST(ServerSpn, FT_010_ShortNameOnlyForTheLocalHost) {
    auto request = request_of(SpnKind::dns_host);
    request.with_short_name = true;
    request.hosts = {"a.corp"};
    refused(request);
    request = request_of(SpnKind::service);
    request.with_short_name = true;
    refused(request);
}

TEST(ServerSpn, FT_003_FT_004_RefusesBadParts) {
    auto request = request_of(SpnKind::service);
    request.service_class = "";
    refused(request);
    request = request_of(SpnKind::service);
    request.hosts = {"a.corp", "b/c"};
    refused(request);
    request = request_of(SpnKind::service);
    request.service_name = "CN=a/b";
    refused(request);
    request = request_of(SpnKind::dns_host);
    request.hosts = {""};
    refused(request);
}

TEST(ClientSpn, FT_001_HostNameAlone) {
    EXPECT_EQ(expected({.service_class = "ldap", .service_name = "dc1.corp.example"}),
              "ldap/dc1.corp.example");
    EXPECT_EQ(expected({.service_class = "ldap", .service_name = "dc1", .port = 389}), "ldap/dc1:389");
}

TEST(ClientSpn, FT_002_ServiceNameWithInstance) {
    EXPECT_EQ(expected({.service_class = "ledger", .service_name = dn, .instance_name = "app1"}),
              "ledger/app1/" + dn);
    EXPECT_EQ(
        expected(
            {.service_class = "ledger", .service_name = "corp.example", .instance_name = "dc1", .port = 5}),
        "ledger/dc1:5/corp.example");
}

TEST(ClientSpn, FT_009_AddressWithReferrer) {
    EXPECT_EQ(expected({.service_class = "c", .service_name = "192.0.2.7", .referrer = "dc1.corp"}),
              "c/192.0.2.7/dc1.corp");
    EXPECT_EQ(
        expected({.service_class = "c", .service_name = "192.0.2.7", .port = 9, .referrer = "dc1.corp"}),
        "c/192.0.2.7:9/dc1.corp");
    EXPECT_EQ(
        expected(
            {.service_class = "c", .service_name = "2001:db8::1", .instance_name = "a", .referrer = "dc1"}),
        "c/a/dc1");
}

TEST(ClientSpn, FT_009_ReferrerIsIgnoredWithoutAnAddress) {
    EXPECT_EQ(expected({.service_class = "c", .service_name = "h", .referrer = "dc1.corp"}), "c/h");
    EXPECT_EQ(expected({.service_class = "c", .service_name = dn, .instance_name = "h", .referrer = "r"}),
              "c/h/" + dn);
}

TEST(ClientSpn, FT_009_RefusesAddressWithoutReferrer) {
    EXPECT_FALSE(compose_client_spn({.service_class = "c", .service_name = "192.0.2.7"}));
    EXPECT_FALSE(
        compose_client_spn({.service_class = "c", .service_name = "192.0.2.7", .instance_name = "h"}));
    EXPECT_FALSE(
        compose_client_spn({.service_class = "c", .service_name = "2001:db8::1", .referrer = "dc1"}));
}

TEST(ClientSpn, FT_003_FT_004_RefusesEmptyNamesAndSlashes) {
    EXPECT_FALSE(compose_client_spn({.service_class = "", .service_name = "h"}));
    EXPECT_FALSE(compose_client_spn({.service_class = "c", .service_name = ""}));
    EXPECT_FALSE(compose_client_spn({.service_class = "c", .service_name = "", .instance_name = "h"}));
    EXPECT_FALSE(compose_client_spn({.service_class = "c/d", .service_name = "h"}));
    EXPECT_FALSE(compose_client_spn({.service_class = "c", .service_name = "a/b", .instance_name = "h"}));
    EXPECT_EQ(compose_client_spn({.service_class = "c", .service_name = "a/b"}).error().message,
              "service name holds \"/\" at octet 2");
    EXPECT_FALSE(compose_client_spn({.service_class = "c", .service_name = "a", .instance_name = "h/i"}));
    EXPECT_FALSE(compose_client_spn({.service_class = "c", .service_name = "192.0.2.7", .referrer = "a/b"}));
    EXPECT_FALSE(compose_client_spn({.service_class = "c", .service_name = "h", .referrer = "a/b"}));
}

TEST(ClientSpn, RefusesADirectoryNameWithoutHost) {
    EXPECT_FALSE(compose_client_spn({.service_class = "ledger", .service_name = dn}));
}

TEST(ClientSpn, FT_019_EqualsWhatTheServiceComposes) {
    auto request = request_of(SpnKind::service);
    EXPECT_EQ(expected({.service_class = "ledger", .service_name = dn, .instance_name = local.fqdn}),
              composed(request)[0]);
}

}  // namespace
}  // namespace mutual
