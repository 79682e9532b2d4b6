// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/load.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mutual::config {
namespace {

using namespace std::chrono_literals;

std::string joined(const std::vector<Error>& errors) {
    std::string text;
    for (const Error& error : errors) text.append(to_string(error)).append("\n");
    return text;
}

Configuration loaded(std::string_view text) {
    Loaded result = load_text(text, "test.toml");
    EXPECT_TRUE(result.configuration) << joined(result.errors);
    return result.configuration ? std::move(*result.configuration) : Configuration{};
}

TEST(Configuration, HasDefaultsWithoutAnyFile) {
    const Configuration configuration = loaded("");
    EXPECT_EQ(configuration.daemon.request_timeout, 10s);
    EXPECT_EQ(configuration.daemon.negative_cache, 5s);
    EXPECT_EQ(configuration.daemon.admin_group, "mutuald-admin");
    EXPECT_EQ(configuration.identity("caller")->kind, IdentityKind::caller);
    EXPECT_EQ(configuration.plugin("sockets")->kind, PluginKind::transport);
    EXPECT_EQ(configuration.plugin("scp")->path, configuration.daemon.plugin_folder + "/scp.so");
    EXPECT_TRUE(configuration.services.empty());
    EXPECT_TRUE(configuration.rules.empty());
}

constexpr std::string_view whole = R"toml(
[daemon]
request_timeout = "2s"
plugin_folder = "/opt/plugins"
admin_group = "root"
limits = { requests_per_uid = 3 }

[identity.search]
keytab = "/etc/mutuald/search.keytab"
principal = "search@MUTUAL.TEST"

[plugin.scp]
identity = "search"
timeout = "1500ms"
[plugin.scp.options]
servers = ["ldap1.mutual.test"]
tls = false
[plugin.other]
kind = "discovery"
path = "/opt/other.so"

[service.ledger]
realm = "MUTUAL.TEST"
discovery = ["scp", "other"]
keywords = ["28630ec1-41d5-11d1-a9c1-0000f80367c1"]
spn = "three-part"
identity = "search"
minimum_lifetime = "1min"
trust = { hosts = ["app1.mutual.test", ".apps.mutual.test"], three_part = true, base = "ou=Services,dc=mutual" }
options = { wire = "gss", dialect = "cli" }

[service.ledger.accept]
spns = ["ledger/app1.mutual.test", 'ledger/app1.mutual.test/cn=a\,b']
keytab = "/etc/mutuald/ledger.keytab"
port = 7010
deliver = "unix"
socket = "/run/ledger/socket"
header = "none"
[service.ledger.accept.allow]
principals = ["alice@MUTUAL.TEST"]
realms = ["OTHER.TEST"]
patterns = ["host/*@MUTUAL.TEST"]

[[rule]]
name = "no-nobody"
action = "deny"
users = ["65534"]
services = ["*"]
[[rule]]
name = "ledger"
action = "allow"
users = ["*"]
groups = ["root"]
services = ["ledger"]
)toml";

TEST(Configuration, HoldsWhatWasWritten) {
    const Configuration configuration = loaded(whole);
    EXPECT_EQ(configuration.daemon.request_timeout, 2s);
    EXPECT_EQ(configuration.daemon.admin_gid, gid_t{0});
    EXPECT_EQ(configuration.daemon.limits.requests.uid, 3U);
    EXPECT_EQ(configuration.plugin("scp")->options, R"({"servers":["ldap1.mutual.test"],"tls":false})");
    EXPECT_EQ(configuration.plugin("scp")->path, "/opt/plugins/scp.so");
    EXPECT_EQ(configuration.plugin("scp")->timeout, 1500ms);
    EXPECT_EQ(configuration.plugin("other")->path, "/opt/other.so");
    EXPECT_EQ(configuration.identity("search")->principal, "search@MUTUAL.TEST");
}

TEST(Configuration, HoldsAServiceBothWays) {
    const Configuration configuration = loaded(whole);
    const Service* service = configuration.service("ledger");
    ASSERT_NE(service, nullptr);
    EXPECT_EQ(service->service_class, "ledger");
    EXPECT_EQ(service->spn, SpnForm::three_part);
    EXPECT_EQ(service->base, "ou=Services,dc=mutual");
    EXPECT_EQ(service->options, R"({"dialect":"cli","wire":"gss"})");
    EXPECT_TRUE(matches(service->trust.hosts[1], "X.apps.mutual.test."));
    ASSERT_TRUE(service->accept);
    EXPECT_EQ(service->accept->principals[0], "ledger/app1.mutual.test@MUTUAL.TEST");
    EXPECT_EQ(service->accept->principals[1], R"(ledger/app1.mutual.test/cn=a\\,b@MUTUAL.TEST)");
    EXPECT_EQ(service->accept->address, "::");
    EXPECT_EQ(service->accept->header, Header::none);
    EXPECT_EQ(service->accept->socket_user.uid, 0U);
}

TEST(Configuration, KeepsRulesInTheirOrderWithTheirPlace) {
    const Configuration configuration = loaded(whole);
    ASSERT_EQ(configuration.rules.size(), 2U);
    EXPECT_EQ(configuration.rules[0].action, Action::deny);
    EXPECT_EQ(configuration.rules[0].users[0].uid, 65534U);
    EXPECT_TRUE(configuration.rules[0].any_service);
    EXPECT_TRUE(configuration.rules[1].any_user);
    EXPECT_EQ(configuration.rules[1].groups[0].gid, 0U);
    EXPECT_EQ(to_string(configuration.rules[1].where), "test.toml:49:1");
}

TEST(Allow, NamesTheEntryThatLetsAPrincipalIn) {
    const Configuration configuration = loaded(whole);
    const Allow& allow = configuration.service("ledger")->accept->allow;
    EXPECT_EQ(allows(allow, "alice@MUTUAL.TEST"), "principal alice@MUTUAL.TEST");
    EXPECT_EQ(allows(allow, "mallory/admin@OTHER.TEST"), "realm OTHER.TEST");
    EXPECT_EQ(allows(allow, "host/a.mutual.test@MUTUAL.TEST"), "pattern host/*@MUTUAL.TEST");
    EXPECT_EQ(allows(allow, "bob@MUTUAL.TEST"), std::nullopt);
    EXPECT_EQ(allows(allow, "alice@OTHER.TEST.EVIL"), std::nullopt);
    EXPECT_EQ(allows(allow, R"(alice\@MUTUAL.TEST@EVIL)"), std::nullopt);
    EXPECT_EQ(allows(Allow{}, "alice@MUTUAL.TEST"), std::nullopt);
}

TEST(Configuration, ReadsUnitsOfRulesAndServices) {
    const Configuration configuration = loaded(R"toml(
[service.ledger]
realm = "MUTUAL.TEST"
[service.ledger.accept]
spns = ["ledger/app1.mutual.test"]
keytab = "/etc/mutuald/ledger.keytab"
port = 7000
deliver = "accept"
accept_units = ["ledger.service", "worker@*.service"]
allow = { principals = ["alice@MUTUAL.TEST"] }

[[rule]]
name = "backup"
action = "allow"
units = ["backup@*.service"]
services = ["*"]

[[rule]]
name = "both"
action = "allow"
users = ["0"]
units = ["cron.service"]
services = ["*"]
)toml");
    const Accept& accept = *configuration.service("ledger")->accept;
    ASSERT_EQ(accept.accept_units.size(), 2U);
    EXPECT_TRUE(accept.accept_units[0].matches("ledger.service"));
    EXPECT_TRUE(accept.accept_units[1].matches("worker@7.service"));
    EXPECT_FALSE(accept.accept_units[1].matches("ledger.service"));
    const Rule& alone = configuration.rules[0];
    EXPECT_TRUE(alone.any_user) << "with units alone, whoever runs there";
    ASSERT_EQ(alone.units.size(), 1U);
    EXPECT_TRUE(alone.units[0].matches("backup@daily.service"));
    EXPECT_FALSE(alone.units[0].matches("cron.service"));
    EXPECT_FALSE(configuration.rules[1].any_user) << "with users, these only";
    EXPECT_EQ(configuration.rules[1].users.size(), 1U);
}

TEST(Configuration, ReadsAnRpcServiceBothWays) {
    const Configuration configuration = loaded(R"toml(
[service.payroll]
realm = "MUTUAL.TEST"
[service.payroll.rpc]
program = "portmapper"
versions = [4, 0, 2]
protection = "integrity"
max_record = 4096
[service.payroll.accept]
spns = ["payroll/app1.mutual.test"]
keytab = "/k"
port = 0
deliver = "unix"
socket = "/s"
[service.payroll.accept.rpc]
register = false
[service.payroll.accept.rpc.users]
"alice@MUTUAL.TEST" = "root"
)toml");
    const Service& service = *configuration.service("payroll");
    EXPECT_EQ(service.transport, "oncrpc");
    EXPECT_EQ(configuration.protection(service.transport), Protection::rpc);
    ASSERT_TRUE(service.rpc);
    EXPECT_EQ(service.rpc->program, 100000U);
    EXPECT_EQ(service.rpc->versions, (std::vector<std::uint32_t>{0, 2, 4}));
    EXPECT_EQ(service.rpc->protection, RpcProtection::integrity);
    EXPECT_EQ(service.options,
              R"({"program":100000,"versions":[0,2,4],"service":"integrity","max_record":4096})");
    EXPECT_EQ(service.accept->header, Header::none);
    EXPECT_FALSE(service.accept->rpc.is_registered);
    ASSERT_EQ(service.accept->rpc.users.count("alice@MUTUAL.TEST"), 1U);
    const LocalUser& alice = service.accept->rpc.users.find("alice@MUTUAL.TEST")->second;
    EXPECT_EQ(alice.uid, 0U);
    EXPECT_EQ(alice.gid, 0U);
    EXPECT_EQ(std::ranges::count(alice.gids, gid_t{0}), 0) << "the first group is not told twice";
}

TEST(Configuration, AnRpcServiceHasDefaultsAndNeedsNoDiscovery) {
    const Configuration configuration = loaded(R"toml(
[plugin.other]
kind = "transport"
protection = "rpc"
[service.asked]
realm = "R"
rpc = { program = 0x20000001, versions = [1] }
[service.other]
realm = "R"
transport = "other"
rpc = { program = 4294967295, versions = [4294967295], max_record = 67108864 }
[service.other.accept]
spns = ["other/a"]
keytab = "/k"
port = 1
deliver = "accept"
rpc = { credential = "none" }
)toml");
    const Service& asked = *configuration.service("asked");
    EXPECT_EQ(asked.rpc->protection, RpcProtection::privacy);
    EXPECT_EQ(asked.options,
              R"({"program":536870913,"versions":[1],"service":"privacy","max_record":1048576})");
    const Service& other = *configuration.service("other");
    EXPECT_EQ(other.transport, "other");
    EXPECT_TRUE(other.accept->rpc.is_registered);
    EXPECT_NE(other.options.find(R"("credential":"none")"), std::string::npos) << other.options;
    EXPECT_EQ(configuration.protection("oncrpc"), Protection::rpc);
    EXPECT_EQ(configuration.protection("sockets"), Protection::stream);
}

TEST(Configuration, RefusesUnitsThatNameNoneOrNothing) {
    const auto with = [](const std::string& units) {
        return load_text("[[rule]]\nname = \"r\"\naction = \"allow\"\nservices = [\"*\"]\nunits = " + units,
                         "test.toml");
    };
    EXPECT_TRUE(with("[\"cron.service\"]").configuration);
    const Loaded none = with("[]");
    EXPECT_FALSE(none.configuration);
    EXPECT_NE(joined(none.errors).find("units: must not be empty"), std::string::npos) << joined(none.errors);
    const Loaded scope = with("[\"session-1.scope\"]");
    EXPECT_FALSE(scope.configuration);
    EXPECT_NE(joined(scope.errors).find("units"), std::string::npos) << joined(scope.errors);
}

TEST(Configuration, ReadsTheBoundsOfAllUsersAndUnits) {
    const ApiLimits limits = loaded(R"toml(
[daemon]
unit_lookup = "proc"
[daemon.limits]
connections = 11
connections_per_uid = 12
connections_per_unit = 13
requests = 21
requests_per_uid = 22
requests_per_unit = 23
handshakes = 31
handshakes_per_uid = 32
handshakes_per_unit = 33
channels = 41
channels_per_uid = 42
channels_per_unit = 43
)toml")
                                 .daemon.limits;
    std::size_t tens = 10;
    for (const Bounds& bounds : {limits.connections, limits.requests, limits.handshakes, limits.channels}) {
        EXPECT_EQ(bounds.all, tens + 1);
        EXPECT_EQ(bounds.uid, tens + 2);
        EXPECT_EQ(bounds.unit, tens + 3);
        tens += 10;
    }
}

}  // namespace
}  // namespace mutual::config
