// SPDX-License-Identifier: Apache-2.0
// Every error names file, line, column and key, and what is near.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "daemon/config/load.h"
#include "daemon/config/nearest.h"

namespace mutual::config {
namespace {

struct Wrong {
    const char* name;
    std::string text;
    const char* message;  // the first error's begins with it
    const char* hint;     // and its hint contains this
};

void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.name; }

class ConfigurationError : public testing::TestWithParam<Wrong> {};

TEST_P(ConfigurationError, NamesItsPlaceAndRemedy) {
    const Loaded loaded = load_text(GetParam().text, "f");
    EXPECT_FALSE(loaded.configuration);
    ASSERT_FALSE(loaded.errors.empty());
    const Error& error = loaded.errors.front();
    EXPECT_EQ(error.code, Code::invalid_configuration);
    EXPECT_EQ(error.message.rfind(GetParam().message, 0), 0U) << error.message;
    EXPECT_NE(error.hint.find(GetParam().hint), std::string::npos) << error.hint;
}

const Wrong syntax_and_types[] = {
    {"syntax", "[daemon]\nrequest_timeout = \n", "f:2:", ""},
    {"date", "[daemon]\nrequest_timeout = 2020-01-01\n", "f:2:19: daemon.request_timeout: dates and times",
     "string"},
    {"odd_date", "[daemon]\nrequest_timeout = 1979-05-27T.7:32:00Z\n", "f:2:", ""},
    {"letter_outside_of_quotes", "[daemon]\n\xc3\x84 = 1\n", "f:2:", ""},
    {"nul_in_a_text", "[service.a]\nrealm = \"R\\u0000S\"\n", "f:2:9: service.a.realm: holds a NUL", ""},
    {"nul_in_a_list", "[service.a]\nkeywords = ['k', \"\\u0000\"]\n",
     "f:2:18: service.a.keywords: holds a NUL", ""},
    {"nul_in_a_key", "[plugin.x.options]\n\"a\\u0000b\" = 1\n",
     "f:2:1: plugin.x.options.a\\x00b: the key holds a NUL", ""},
    {"unknown_section", "[deamon]\n", "f:1:2: deamon: unknown key", "did you mean \"daemon\"?"},
    {"unknown_key", "[daemon]\n  request_timeuot = '1s'\n", "f:2:3: daemon.request_timeuot: unknown key",
     "did you mean \"request_timeout\"?"},
    {"far_key", "[daemon]\nzzz = 1\n", "f:2:1: daemon.zzz: unknown key",
     "known: request_timeout, plugin_folder"},
    {"not_a_table", "daemon = 3\n", "f:1:10: daemon: must be a table, is an integer", ""},
    {"no_unit", "[daemon]\nrequest_timeout = 10\n",
     "f:2:19: daemon.request_timeout: must be a time, is an integer", "\"10s\""},
    {"out_of_range", "[daemon]\nrequest_timeout = '1h'\n",
     "f:2:19: daemon.request_timeout: must be from 100ms to 5min, is 1h", ""},
    {"too_deep", "[plugin.x.options]\na = [[[[[[[[[[[[[[[]]]]]]]]]]]]]]]\n",
     "f:2:18: plugin.x.options.a: is nested too deeply", ""},
    {"choice", "[plugin.x]\nkind = 'discovary'\n", "f:2:8: plugin.x.kind: has no value \"discovary\"",
     "did you mean \"discovery\"?"},
    {"limit", "[daemon.limits]\nmessage = 1\n",
     "f:2:11: daemon.limits.message: must be from 4096 to 1048576, is 1", ""},
    {"no_such_group", "[daemon]\nadmin_group = 'no-such-group'\n",
     "f:2:15: daemon.admin_group: look up group", "create it"},
    {"relative_path", "[daemon]\nplugin_folder = 'lib'\n",
     "f:2:17: daemon.plugin_folder: must be an absolute path", ""},
};
INSTANTIATE_TEST_SUITE_P(OfTypes, ConfigurationError, testing::ValuesIn(syntax_and_types),
                         [](const auto& instance) { return instance.param.name; });

const Wrong references[] = {
    {"plugin_of_a_service", "[service.a]\nrealm='R'\ndiscovery=['static','spc']\n",
     "f:3:21: service.a.discovery: there is no discovery plugin \"spc\"", "did you mean \"scp\"?"},
    {"disabled_plugin", "[plugin.scp]\nenabled=false\n[service.a]\nrealm='R'\ndiscovery=['scp']\n",
     "f:5:12: service.a.discovery: discovery plugin \"scp\" is disabled", ""},
    {"wrong_kind", "[service.a]\nrealm='R'\ndiscovery=['static']\ntransport='scp'\n",
     "f:4:11: service.a.transport: there is no transport plugin \"scp\"", "known: oncrpc, sockets"},
    {"identity", "[service.a]\nrealm='R'\ndiscovery=['static']\nidentity='hots'\n",
     "f:4:10: service.a.identity: there is no identity \"hots\"", "did you mean \"host\"?"},
    {"plugin_identity", "[plugin.scp]\nidentity='caller'\n", "f:2:10: plugin.scp.identity: a plugin cannot",
     "host"},
    {"service_of_a_rule", "[[rule]]\nname='r'\naction='allow'\nusers=['*']\nservices=['legder']\n",
     "f:5:11: rule[0].services: there is no service \"legder\"", ""},
    {"user_of_a_rule", "[[rule]]\nname='r'\naction='allow'\nusers=['root','no-such-user']\nservices=['*']\n",
     "f:4:15: rule[0].users: look up user \"no-such-user\": there is none", "create it"},
    {"same_rule_twice",
     "[[rule]]\nname='r'\naction='deny'\nusers=['*']\nservices=['*']\n[[rule]]\nname='r'\naction='allow'\n"
     "users=['*']\nservices=['*']\n",
     "f:7:6: rule[1].name: another rule has this name: f:1:1", ""},
    {"built_in_identity", "[identity.host]\nkeytab='/k'\nprincipal='a@R'\n",
     "f:1:11: identity.host: is built in", "another name"},
    {"foreign_plugin_without_kind", "[plugin.x]\n", "f:1:9: plugin.x.kind: is missing", "transport"},
    {"protection_of_a_discovery_plugin", "[plugin.scp]\nprotection='rpc'\n",
     "f:2:12: plugin.scp.protection: has no meaning for a discovery plugin", ""},
    {"other_protection_of_a_built_in_plugin", "[plugin.sockets]\nprotection='rpc'\n",
     "f:2:12: plugin.sockets.protection: this built-in plugin needs the other one", ""},
    {"no_such_protection", "[plugin.x]\nkind='transport'\nprotection='rcp'\n",
     "f:3:12: plugin.x.protection: has no value \"rcp\"", "did you mean \"rpc\"?"},
    {"built_in_plugin_of_other_kind", "[plugin.scp]\nkind='transport'\n",
     "f:2:6: plugin.scp.kind: this built-in", ""},
};
INSTANTIATE_TEST_SUITE_P(OfReferences, ConfigurationError, testing::ValuesIn(references),
                         [](const auto& instance) { return instance.param.name; });

const Wrong services[] = {
    {"no_realm", "[service.a]\ndiscovery=['static']\n", "f:1:10: service.a.realm: is missing",
     "never guessed"},
    {"nothing_to_do", "[service.a]\nrealm='R'\n", "f:1:10: service.a: has neither", ""},
    {"bad_class", "[service.a]\nrealm='R'\nclass='a/b'\n", "f:3:7: service.a.class: is not an SPN class", ""},
    {"bad_realm", "[service.a]\nrealm='a@b'\n", "f:2:7: service.a.realm: is not a Kerberos realm", ""},
    {"host_star", "[service.a]\nrealm='R'\ntrust.hosts=['*.b']\n",
     "f:3:14: service.a.trust.hosts: host name \"*.b\"", ".example.org"},
    {"three_part", "[service.a]\nrealm='R'\ntrust.three_part=true\n",
     "f:3:18: service.a.trust.three_part: is a reason only where", "service"},
    {"bad_name", "[service.'a b']\nrealm='R'\ndiscovery=['static']\n",
     "f:1:10: service.a b: a name has 1 to 64", ""},
    {"four_part_spn", "[service.a]\nrealm='R'\naccept.spns=['a/b/c/d']\n",
     "f:3:14: service.a.accept.spns: ", ""},
    {"no_spn", "[service.a]\nrealm='R'\naccept.spns=[]\n", "f:3:13: service.a.accept.spns: must not be empty",
     ""},
    {"no_keytab", "[service.a]\nrealm='R'\n[service.a.accept]\nspns=['a/b']\nport=1\ndeliver='accept'\n",
     "f:3:12: service.a.accept.keytab: is missing", ""},
    {"port_70000", "[service.a]\nrealm='R'\n[service.a.accept]\nspns=['a/b']\nkeytab='/k'\nport=70000\n",
     "f:6:6: service.a.accept.port: must be from 0 to 65535, is 70000", ""},
    {"star_in_principals",
     "[service.a]\nrealm='R'\n[service.a.accept]\nspns=['a/b']\nkeytab='/k'\nport=1\ndeliver='accept'\n"
     "allow.principals=['*@R']\n",
     "f:8:19: service.a.accept.allow.principals: principal \"*@R\" holds a \"*\"", "patterns"},
    {"star_in_realm",
     "[service.a]\nrealm='R'\n[service.a.accept]\nspns=['a/b']\nkeytab='/k'\nport=1\ndeliver='accept'\n"
     "allow.patterns=['a@*']\n",
     "f:8:17: service.a.accept.allow.patterns: principal \"a@*\" has a \"*\" in its realm", ""},
    {"socket_without_unix",
     "[service.a]\nrealm='R'\n[service.a.accept]\nspns=['a/b']\nkeytab='/"
     "k'\nport=1\ndeliver='accept'\nsocket='/s'\n",
     "f:8:8: service.a.accept.socket: has a meaning only where", ""},
    {"unix_without_socket",
     "[service.a]\nrealm='R'\n[service.a.accept]\nspns=['a/b']\nkeytab='/k'\nport=1\ndeliver='unix'\n",
     "f:3:12: service.a.accept.socket: is missing", ""},
    {"host_name_as_address",
     "[service.a]\nrealm='R'\n[service.a.accept]\nspns=['a/b']\nkeytab='/k'\naddress='localhost'\n",
     "f:6:9: service.a.accept.address: is not a numeric address", "0.0.0.0"},
};
INSTANTIATE_TEST_SUITE_P(OfServices, ConfigurationError, testing::ValuesIn(services),
                         [](const auto& instance) { return instance.param.name; });

std::string service(const std::string& lines) { return "[service.a]\nrealm='R'\n" + lines + "\n"; }
std::string of_a_program(const std::string& lines) {
    return service("rpc={program=7,versions=[1]}\n" + lines);
}
std::string accepting(const std::string& rpc) {
    return "[service.a.accept]\nspns=['a/b']\nkeytab='/k'\nport=1\ndeliver='accept'\nrpc=" + rpc;
}

const Wrong rpc_services[] = {
    {"rpc_over_a_stream", of_a_program("transport='sockets'"),
     "f:4:11: service.a.transport: carries a stream of octets", "\"rpc\""},
    {"stream_over_rpc", service("discovery=['static']\ntransport='oncrpc'"),
     "f:4:11: service.a.transport: carries the calls of an RPC program, and there is none", "service.a.rpc"},
    {"rpc_over_a_plugin_for_streams", of_a_program("transport='x'\n[plugin.x]\nkind='transport'"),
     "f:4:11: service.a.transport: carries a stream of octets", "\"rpc\""},
    {"options_beside_rpc", of_a_program("options={wire='gss'}"),
     "f:4:9: service.a.options: is made of `rpc` here", ""},
    {"rpc_is_no_table", service("rpc=7"), "f:3:5: service.a.rpc: must be a table, is an integer", ""},
    {"no_program", service("rpc={versions=[1]}"), "f:3:1: service.a.rpc.program: is missing", "/etc/rpc"},
    {"no_versions", service("rpc={program=7}"), "f:3:1: service.a.rpc.versions: is missing", "[1, 2]"},
    {"program_0", service("rpc={program=0,versions=[1]}"),
     "f:3:14: service.a.rpc.program: must be from 1 to 4294967295, is 0", ""},
    {"program_of_33_bits", service("rpc={program=0x100000000,versions=[1]}"),
     "f:3:14: service.a.rpc.program: must be from 1 to 4294967295, is 4294967296", ""},
    {"no_such_program", service("rpc={program='no-such-program',versions=[1]}"),
     "f:3:14: service.a.rpc.program: names no RPC program: \"no-such-program\"", "/etc/rpc"},
    {"program_that_is_none", service("rpc={program=true,versions=[1]}"),
     "f:3:14: service.a.rpc.program: must be an integer", ""},
    {"versions_that_are_none", service("rpc={program=7,versions=[]}"),
     "f:3:25: service.a.rpc.versions: must not be empty", ""},
    {"version_twice", service("rpc={program=7,versions=[2,1,2]}"),
     "f:3:25: service.a.rpc.versions: names one twice", ""},
    {"version_below_0", service("rpc={program=7,versions=[1,-1]}"),
     "f:3:28: service.a.rpc.versions: must hold integers from 0 to 4294967295, holds -1", ""},
    {"version_in_words", service("rpc={program=7,versions=['one']}"),
     "f:3:26: service.a.rpc.versions: must hold integers from 0 to 4294967295, holds a string", ""},
    {"version_alone", service("rpc={program=7,versions=1}"),
     "f:3:25: service.a.rpc.versions: must be a list of integers, is an integer", ""},
    {"protection_of_calls", service("rpc={program=7,versions=[1],protection='privcy'}"),
     "f:3:40: service.a.rpc.protection: has no value \"privcy\"", "did you mean \"privacy\"?"},
    {"small_records", service("rpc={program=7,versions=[1],max_record=4095}"),
     "f:3:40: service.a.rpc.max_record: must be from 4096 to 67108864, is 4095", ""},
    {"large_records", service("rpc={program=7,versions=[1],max_record=67108865}"),
     "f:3:40: service.a.rpc.max_record: must be from 4096 to 67108864, is 67108865", ""},
    {"unknown_key_of_rpc", service("rpc={program=7,versions=[1],version=1}"),
     "f:3:29: service.a.rpc.version: unknown key", "did you mean \"versions\"?"},
    {"accept_rpc_of_a_stream", service(accepting("{register=false}")),
     "f:8:5: service.a.accept.rpc: has a meaning only where the service has `rpc`", ""},
    {"register_in_words", of_a_program(accepting("{register='no'}")),
     "f:9:15: service.a.accept.rpc.register: must be true or false, is a string", ""},
    {"credential_of_calls", of_a_program(accepting("{credential='unix'}")),
     "f:9:17: service.a.accept.rpc.credential: has no value \"unix\"", "sys"},
    {"users_of_nobody", of_a_program(accepting("{credential='none',users={'a@R'='root'}}")),
     "f:9:30: service.a.accept.rpc.users: has a meaning only where credential = \"sys\"", ""},
    {"user_of_no_principal", of_a_program(accepting("{users={alice='root'}}")),
     "f:9:19: service.a.accept.rpc.users.alice: ", ""},
    {"user_of_a_pattern", of_a_program(accepting("{users={'*@R'='root'}}")),
     "f:9:19: service.a.accept.rpc.users.*@R: principal \"*@R\" holds a \"*\"", ""},
    {"no_such_user_to_act_as", of_a_program(accepting("{users={'a@R'='no-such-user'}}")),
     "f:9:19: service.a.accept.rpc.users.a@R: look up user \"no-such-user\"", "create it"},
    {"number_to_act_as", of_a_program(accepting("{users={'a@R'='54321'}}")),
     "f:9:19: service.a.accept.rpc.users.a@R: there is no user \"54321\"", "has no group"},
};
INSTANTIATE_TEST_SUITE_P(OfRpcServices, ConfigurationError, testing::ValuesIn(rpc_services),
                         [](const auto& instance) { return instance.param.name; });

TEST(ConfigurationErrors, NameTooManyVersions) {
    std::string versions = "0";
    for (int version = 1; version <= 64; ++version) versions.append(",").append(std::to_string(version));
    const Loaded loaded =
        load_text("[service.a]\nrealm='R'\nrpc={program=7,versions=[" + versions + "]}\n", "f");
    ASSERT_EQ(loaded.errors.size(), 1U);
    EXPECT_EQ(loaded.errors[0].message, "f:3:25: service.a.rpc.versions: names more than 64");
}

TEST(ConfigurationErrors, CanBeShown) {
    using namespace std::string_view_literals;
    for (const auto text : {"a = n\0"sv, "a = n\x1b[2J\n"sv}) {
        const Loaded loaded = load_text(text, "f");
        ASSERT_EQ(loaded.errors.size(), 1U);
        for (const char c : loaded.errors[0].message)
            EXPECT_TRUE(c >= ' ' && c != 0x7f) << loaded.errors[0].message;
    }
}

TEST(ConfigurationErrors, AreAllReported) {
    const Loaded loaded = load_text("[daemon]\na=1\n[service.b]\nc=2\n", "f");
    EXPECT_GE(loaded.errors.size(), 3U);
}

TEST(ConfigurationErrors, NameBothServicesOnOnePort) {
    std::string text;
    for (const char* name : {"a", "b"})
        text.append("[service.")
            .append(name)
            .append("]\nrealm='R'\n[service.")
            .append(name)
            .append(".accept]\nspns=['a/b']\nkeytab='/k'\nport=7\ndeliver='accept'\n");
    const Loaded loaded = load_text(text, "f");
    ASSERT_EQ(loaded.errors.size(), 1U);
    EXPECT_EQ(loaded.errors[0].message,
              "f:10:12: service.b.accept.port: service a accepts on the same address and port");
}

TEST(Suggestion, CountsASwapAsOneEdit) {
    EXPECT_EQ(edit_distance("scp", "spc"), 1U);
    EXPECT_EQ(edit_distance("", "abc"), 3U);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

// Asks every section for the keys it knows, with a key that is near none.
TEST(Documentation, NamesEveryKey) {
    std::ifstream file(MUTUAL_DOCUMENTATION);
    std::stringstream documentation;
    documentation << file.rdbuf();
    const Loaded loaded = load_text(
        "zzzzzzzz=1\n[daemon]\nzzzzzzzz=1\n[daemon.limits]\nzzzzzzzz=1\n[identity.i]\nzzzzzzzz=1\n[plugin."
        "scp]\n"
        "zzzzzzzz=1\n[plugin.sockets]\nzzzzzzzz=1\n[service.s]\nzzzzzzzz=1\n[service.s.rpc]\nzzzzzzzz=1\n"
        "[service.s.accept.rpc]\nzzzzzzzz=1\n[service.s.trust]\nzzzzzzzz=1\n[service.s.accept]\nzzzzzzzz=1\n"
        "[service.s.accept.allow]\nzzzzzzzz=1\n[service.s.accept.limits]\nzzzzzzzz=1\n[[rule]]\nzzzzzzzz=1\n",
        "f");
    int sections = 0;
    for (const Error& error : loaded.errors) {
        if (error.message.find("unknown key") == std::string::npos) continue;
        ASSERT_EQ(error.hint.rfind("known: ", 0), 0U) << error.hint;
        ++sections;
        std::istringstream known(error.hint.substr(7));
        for (std::string key; std::getline(known >> std::ws, key, ',');)
            EXPECT_TRUE(documentation.str().find("| `" + key + "` |") != std::string::npos ||
                        documentation.str().find("## [" + key + "]") != std::string::npos ||
                        documentation.str().find("## [" + key + ".") != std::string::npos ||
                        documentation.str().find("## [[" + key + "]]") != std::string::npos)
                << key;
    }
    EXPECT_EQ(sections, 14);
}

// The examples between ```toml and ``` are, together, a configuration.
TEST(Documentation, HasExamplesThatLoad) {
    std::ifstream file(MUTUAL_DOCUMENTATION);
    std::string text;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line.rfind("```", 0) == 0) inside = line == "```toml";
        text += inside && line.rfind("```", 0) != 0 ? line + "\n" : "\n";
    }
    const Loaded loaded = load_text(text, MUTUAL_DOCUMENTATION);
    for (const Error& error : loaded.errors) ADD_FAILURE() << to_string(error);
    ASSERT_TRUE(loaded.configuration);
    EXPECT_FALSE(loaded.configuration->services.empty());
}

}  // namespace
}  // namespace mutual::config
