// SPDX-License-Identifier: Apache-2.0
// The verbs that only ask, as the real program against a broker of the test's.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "client/broker_client.h"
#include "client/fake_broker.h"
#include "client/mutualctl/exit_status.h"
#include "client/mutualctl/program.h"

namespace mutual::ctl {
namespace {

using client::FakeBroker;
using client::reply_of;
using varlink::Call;
using varlink::Reply;

constexpr const char* explanation = R"({"request": "r-1", "service": "ledger", "callerUid": 1000, "lines": [
    {"stage": "discovery", "decision": "found", "message": "1 instance", "microseconds": 1500}], "timings": []})";

std::string candidate(bool usable) {
    return std::string(R"({"host":"a.example","port":700,"transport":"sockets","spn":"ledger/a.example",)") +
           R"("principal":"ledger/a.example@R","priority":0,"weight":1,"plugin":"static","trust":"hosts",)" +
           R"("source":"ledger.toml","version":"1","usable":)" + (usable ? "true" : "false") +
           R"(,"reason":"listed in hosts"})";
}

FakeBroker::Method gives(const std::string& json) {
    return [json](Call&) { return reply_of(json); };
}

FakeBroker::Method plans(bool allowed, const std::string& candidates) {
    return gives(std::string(R"({"allowed":)") + (allowed ? "true" : "false") + R"(,"candidates":[)" +
                 candidates + R"(],"explanation":)" + explanation + "}");
}

Ended ctl(const FakeBroker& broker, const std::vector<std::string>& arguments,
          const std::vector<std::string>& environment = {}) {
    std::vector<std::string> words{MUTUALCTL, "--socket", broker.socket()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return run({words, {}, environment});
}

TEST(Questions, EveryErrorHasItsExitStatusAndShowsStageCodeHintAndExplanation) {
    std::atomic<Code> answer{};
    FakeBroker broker({{"Open", [&](Call&) {
                            Reply reply =
                                varlink::failure(client::broker_name,
                                                 Error(answer, Stage::handshake, "they said no", "ask them"));
                            reply.parameters["explanation"] = reply_of(explanation).parameters;
                            return reply;
                        }}});
    for (std::size_t i = 0; i < code_names.size(); ++i) {
        answer = static_cast<Code>(i);
        const Ended ended = ctl(broker, {"open", "ledger"});
        EXPECT_EQ(ended.status, exit_status(answer));
        EXPECT_GT(ended.status, 0);
        EXPECT_EQ(ended.output, "");
        EXPECT_EQ(ended.error,
                  "mutualctl: cannot open a channel to 'ledger': they said no (stage handshake, " +
                      std::string(code_names[i]) +
                      ")\nhint: ask them\nrequest r-1: service 'ledger', caller uid 1000\n"
                      "   TIME  STAGE      DECISION  MESSAGE\n"
                      "  1.5ms  discovery  found     1 instance\n");
    }
}

TEST(Questions, QuietLeavesTheExplanationOut) {
    FakeBroker broker({{"Open", [&](Call&) {
                            Reply reply = varlink::failure(client::broker_name,
                                                           Error(Code::denied, Stage::policy, "no"));
                            reply.parameters["explanation"] = reply_of(explanation).parameters;
                            return reply;
                        }}});
    EXPECT_EQ(ctl(broker, {"-q", "open", "ledger"}).error,
              "mutualctl: cannot open a channel to 'ledger': no (stage policy, Denied)\n");
}

TEST(Questions, ADaemonThatDoesNotRunIsStatusThreeWithTheRemedy) {
    for (const char* verb : {"status", "list-channels", "introspect"}) {
        const Ended ended = run({{MUTUALCTL, "--socket", "/nonexistent/m.sock", verb}});
        EXPECT_EQ(ended.status, exit_not_running);
        EXPECT_NE(ended.error.find("/nonexistent/m.sock"), std::string::npos);
        EXPECT_NE(
            ended.error.find("hint: is mutuald running? start it with 'systemctl start mutuald', or without "
                             "systemd with 'mutuald --all'"),
            std::string::npos);
    }
    EXPECT_EQ(run({{MUTUALCTL, "--socket", "/nonexistent/m.sock", "open", "ledger"}}).status,
              exit_not_running);
    EXPECT_EQ(run({{MUTUALCTL, "--socket", "/nonexistent/m.sock", "accept", "ledger"}}).status,
              exit_not_running);
}

TEST(Questions, WrongUsageIsStatusTwo) {
    const std::vector<std::vector<std::string>> wrong{
        {"open"},
        {"no-such-verb"},
        {"open", "a", "b"},
        {"status", "--", "cat"},
        {"accept", "a", "--once"},
        {"accept", "a", "--no-stdio"},
        {"accept", "a", "--parallel", "2"},
        {"accept", "a", "--once", "--parallel", "2", "--", "cat"},
        {"whois"},
        {"plan", "a", "--timeout", "soon"},
        {"call", "Open", "["},
        {"open", "a", "--"},
        {"whois", "--fd", "99"},
        {"find"},
        {"find", "a", "--rpc", "7"},
        {"find", "--rpc", "no-such-program"},
        {"find", "--rpc", "7:x"},
        {"open", "--rpc", "7@a", "--host", "b"},
        {"accept", "--rpc", "7"},
        {"whois", "--service", "a"},
        {"whois", "--stamp", "1"},
        {"whois", "--service", "a", "--stamp", "0"},
        {"whois", "c-1", "--service", "a", "--stamp", "1"}};
    for (auto words : wrong) {
        words.insert(words.begin(), MUTUALCTL);
        const Ended ended = run({words});
        EXPECT_EQ(ended.status, exit_usage) << words.at(1);
        EXPECT_EQ(ended.output, "");
        EXPECT_TRUE(ended.error.starts_with("mutualctl: ")) << ended.error;
    }
}

TEST(Questions, HelpAndVersionGoToStandardOutput) {
    const Ended help = run({{MUTUALCTL, "--help"}});
    EXPECT_EQ(help.status, 0);
    EXPECT_NE(help.output.find("Exit status:\n  0  success\n"), std::string::npos);
    EXPECT_EQ(run({{MUTUALCTL, "--version"}}).output, "mutualctl " MUTUAL_VERSION "\n");
}

TEST(Questions, PlanShowsCandidatesAndExplanation) {
    FakeBroker broker({{"Plan", plans(true, candidate(true))}});
    const Ended ended = ctl(broker, {"plan", "ledger"});
    EXPECT_EQ(ended.status, exit_ok);
    EXPECT_EQ(ended.output,
              "'ledger' is allowed\n"
              "USABLE  ENDPOINT       TRANSPORT  PRINCIPAL           PRIO  WEIGHT  FOUND BY  TRUST  REASON\n"
              "yes     a.example:700  sockets    ledger/a.example@R     0       1  static    hosts  listed "
              "in hosts\n"
              "1 candidate\n"
              "request r-1: service 'ledger', caller uid 1000\n"
              "   TIME  STAGE      DECISION  MESSAGE\n"
              "  1.5ms  discovery  found     1 instance\n");
}

TEST(Questions, PlanTellsByItsStatusWhetherOpenCouldWork) {
    const auto status_of = [](bool allowed, const std::string& candidates) {
        FakeBroker broker({{"Plan", plans(allowed, candidates)}});
        return ctl(broker, {"plan", "ledger", "--json"}).status;
    };
    EXPECT_EQ(status_of(true, candidate(true)), exit_ok);
    EXPECT_EQ(status_of(true, candidate(false) + "," + candidate(true)), exit_ok);
    EXPECT_EQ(status_of(true, candidate(false)), exit_denied);
    EXPECT_EQ(status_of(false, candidate(true)), exit_denied);
    EXPECT_EQ(status_of(true, ""), exit_not_found);
}

TEST(Questions, JsonIsTheReplyAsItCame) {
    const std::string reply = R"({"channels":[],"somethingNewer":{"a":[1,-2,null]}})";
    FakeBroker broker({{"ListChannels", gives(reply)}});
    EXPECT_EQ(ctl(broker, {"list-channels", "--json"}).output, reply + "\n");
}

TEST(Questions, JsonOfARefusalNamesTheError) {
    FakeBroker broker({{"Status", [](Call&) {
                            return varlink::failure(client::broker_name,
                                                    Error(Code::limit, Stage::request, "busy", "wait"));
                        }}});
    const Ended ended = ctl(broker, {"--json", "status"});
    EXPECT_EQ(ended.status, exit_failed);
    EXPECT_EQ(ended.output, R"({"error":"org.mutuald.Broker.Limit","parameters":)"
                            R"({"stage":"request","message":"busy","hint":"wait"}})"
                            "\n");
}

TEST(Questions, FindPassesOptionsAndTheCallersCacheOn) {
    FakeBroker broker(
        {{"Find", gives(std::string(R"({"candidates":[],"explanation":)") + explanation + "}")}});
    const Ended ended = ctl(broker,
                            {"find", "ledger", "--keyword", "k1", "--keyword", "k2", "--instance", "i",
                             "--host", "h", "--min-lifetime", "2min", "--timeout", "500ms"},
                            {"KRB5CCNAME=FILE:/tmp/cc"});
    EXPECT_EQ(ended.status, exit_not_found);
    EXPECT_EQ(
        broker.calls().at(0),
        R"(org.mutuald.Broker.Find {"request":{"service":"ledger","keywords":["k1","k2"],"instance":"i",)"
        R"("host":"h","credentialCache":"FILE:/tmp/cc","minimumLifetimeSeconds":120,"timeoutMilliseconds":500}})");
}

TEST(Questions, FindShowsAnRpcProgramItsVersionAndWhatKnewItsPort) {
    std::string rpc = candidate(true);
    rpc.replace(rpc.find("ledger.toml"), 11, "the request, port by rpcbind v4");
    FakeBroker broker(
        {{"Find", gives(R"({"candidates":[)" + rpc + R"(],"rpcProgram":100000,"rpcVersion":4,)" +
                        R"("explanation":)" + explanation + "}")}});
    const Ended ended = ctl(broker, {"find", "--rpc", "portmapper@a.example", "--host", "a.example"});
    EXPECT_EQ(ended.status, exit_ok) << ended.error;
    EXPECT_EQ(broker.calls().at(0),
              R"(org.mutuald.Broker.Find {"request":{"rpcProgram":100000,"host":"a.example"}})");
    EXPECT_EQ(ended.output,
              "USABLE  PROGRAM  VERSION  ENDPOINT       PRINCIPAL           PRIO  WEIGHT  FOUND BY  "
              "SOURCE                           TRUST  REASON\n"
              "yes      100000        4  a.example:700  ledger/a.example@R     0       1  static    "
              "the request, port by rpcbind v4  hosts  listed in hosts\n"
              "1 candidate\n");
}

TEST(Questions, ARefusalNamesTheRpcProgram) {
    FakeBroker broker({{"Plan", [](Call&) {
                            return varlink::failure(client::broker_name,
                                                    Error(Code::unknown_service, Stage::request, "none"));
                        }}});
    const Ended ended = ctl(broker, {"plan", "--rpc", "0x10:3@h"});
    EXPECT_EQ(ended.status, exit_not_found);
    EXPECT_TRUE(ended.error.starts_with(
        "mutualctl: cannot plan a channel to RPC program 16 version 3 on h: none (stage request, "))
        << ended.error;
}

TEST(Questions, WhoisAsksByTheStampThatAnRpcServerGot) {
    FakeBroker broker({});
    ctl(broker, {"whois", "--service", "payroll", "--stamp", "4294967295"});
    EXPECT_EQ(broker.calls().at(0), R"(org.mutuald.Broker.WhoIs {"service":"payroll","stamp":4294967295})");
}

TEST(Questions, ACacheInAFileIsNamedByItsWholePath) {
    FakeBroker broker({});
    const auto here = std::filesystem::current_path().string();
    ctl(broker, {"find", "a", "--cache", "cc"}, {"KRB5CCNAME=KEYRING:persistent:0"});
    ctl(broker, {"find", "a"}, {"KRB5CCNAME=KEYRING:persistent:0"});
    EXPECT_NE(broker.calls().at(0).find("\"" + here + "/cc\""), std::string::npos) << broker.calls().at(0);
    EXPECT_NE(broker.calls().at(1).find("\"KEYRING:persistent:0\""), std::string::npos);
}

TEST(Questions, WhoisAsksByTheCookieOfAnInheritedDescriptor) {
    FakeBroker broker({});
    const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
    ctl(broker, {"whois", "--fd", std::to_string(socket.value())});
    EXPECT_EQ(broker.calls().at(0), "org.mutuald.Broker.WhoIs {\"cookie\":" +
                                        std::to_string(varlink::socket_cookie(socket.value())) + "}");
}

TEST(Questions, StatusShowsPartsAndTheBareCallIsShort) {
    FakeBroker broker(
        {{"Status", gives(R"({"version":"0.1","pid":7,"uptimeSeconds":192,"services":["ledger","mail"],
        "channels":1,"parts":[{"name":"keys","state":"running","pid":8,"detail":""},{"name":"dns","state":"ready","pid":0,"detail":""},
        {"name":"scp","state":"backoff","pid":0,"detail":"crashed"}]})")}});
    EXPECT_EQ(ctl(broker, {"status"}).output,
              "mutuald 0.1 (pid 7) has run for 3min 12s: 2 services, 1 channel\n"
              "services: ledger, mail\n"
              "  PART  STATE    PID  DETAIL\n"
              "  keys  running    8  -\n"
              "  dns   ready      -  -\n"
              "  scp   backoff    -  crashed\n");
    EXPECT_EQ(ctl(broker, {}).output,
              "mutuald 0.1 (pid 7) has run for 3min 12s: 2 services, 1 channel\n"
              "scp is backoff: crashed\n");
}

TEST(Questions, CallShowsTheReplyAndTellsOfDescriptors) {
    FakeBroker broker({{"Open", [](Call&) {
                            Reply reply = reply_of(R"({"a":1})");
                            reply.descriptors.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
                            return reply;
                        }}});
    const Ended ended = ctl(broker, {"call", "Open", R"({"request": {"service": "x"}})"});
    EXPECT_EQ(ended.status, exit_ok);
    EXPECT_EQ(ended.output, "{\"a\":1}\n");
    EXPECT_EQ(ended.error, "mutualctl: 1 descriptor(s) came with the reply, and were closed\n");
    EXPECT_EQ(broker.calls().at(0), R"(org.mutuald.Broker.Open {"request":{"service":"x"}})");
    EXPECT_EQ(ctl(broker, {"call", "org.other.Method"}).status, exit_usage);
}

TEST(Questions, IntrospectShowsInterfacesAndDescriptions) {
    FakeBroker broker(
        {{"org.varlink.service.GetInfo", gives(R"({"vendor":"v","product":"mutuald","version":"1",
                            "url":"u","interfaces":["org.mutuald.Broker"]})")},
         {"org.varlink.service.GetInterfaceDescription", gives(R"({"description":"interface x\n"})")}});
    EXPECT_NE(ctl(broker, {"introspect"}).output.find("interface:  org.mutuald.Broker\n"), std::string::npos);
    EXPECT_EQ(ctl(broker, {"introspect", "x"}).output, "interface x\n");
    EXPECT_EQ(broker.calls().at(1), R"(org.varlink.service.GetInterfaceDescription {"interface":"x"})");
}

TEST(Questions, CheckConfigRunsTheDaemonBesideIt) {
    namespace fs = std::filesystem;
    std::string folder = "/tmp/mutual-check-config-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    fs::copy_file(MUTUALCTL, folder + "/mutualctl");
    std::ofstream(folder + "/mutuald") << "#!/bin/sh\necho \"$@\"; exit 9\n";
    ::chmod((folder + "/mutuald").c_str(), 0755);
    const Ended ended = run({{folder + "/mutualctl", "check-config", "/a b", "/c"}});
    fs::remove_all(folder);
    EXPECT_EQ(ended.status, 9);
    EXPECT_EQ(ended.output, "--check-config --config /a b --config /c\n");
}

TEST(Questions, ExplainShowsResultCauseHintAndExplanation) {
    FakeBroker broker(
        {{"Explain", gives(std::string(R"({"method":"Open","result":"Denied","message":"no rule",)") +
                           R"("hint":"ask","explanation":)" + explanation + "}")}});
    const Ended ended = ctl(broker, {"explain", "r-1"});
    EXPECT_EQ(ended.status, exit_ok);
    EXPECT_EQ(ended.output,
              "Open: Denied: no rule\nhint: ask\nrequest r-1: service 'ledger', caller uid 1000\n"
              "   TIME  STAGE      DECISION  MESSAGE\n"
              "  1.5ms  discovery  found     1 instance\n");
    EXPECT_EQ(broker.calls(), std::vector<std::string>{R"(org.mutuald.Broker.Explain {"request":"r-1"})"});
}

TEST(Questions, RequestsAreATableOfWhatExplainCanTell) {
    FakeBroker broker(
        {{"ListRequests", gives(R"({"requests":[{"request":"r-1","method":"Open","service":"ledger",)"
                                R"("callerUid":1000,"result":"Denied","ended":1}]})")}});
    const std::string shown = ctl(broker, {"list-requests"}).output;
    EXPECT_TRUE(
        shown.starts_with("REQUEST  METHOD  SERVICE   UID  RESULT  ENDED\n"
                          "r-1      Open    ledger   1000  Denied  "))
        << shown;
    EXPECT_TRUE(shown.ends_with(" ago\n1 request\n")) << shown;
    EXPECT_EQ(ctl(broker, {"list-requests", "--json"}).output,
              R"({"requests":[{"request":"r-1","method":"Open","service":"ledger","callerUid":1000,)"
              R"("result":"Denied","ended":1}]})"
              "\n");
}

TEST(Questions, ServicesAndPluginsAreTables) {
    FakeBroker broker(
        {{"ListServices", gives(R"({"services":[{"name":"ledger","description":"books","mayOpen":true,)"
                                R"("mayAccept":false,"transport":"sockets","offered":"listening"}]})")},
         {"ListPlugins",
          gives(R"({"plugins":[{"name":"scp","kind":"discovery","state":"failed","version":"1",)"
                R"("path":"/p/scp.so","finders":2,"failures":3,"problem":"gone"}]})")}});
    EXPECT_EQ(ctl(broker, {"list-services"}).output,
              "SERVICE  OPEN  ACCEPT  TRANSPORT  OFFERED    DESCRIPTION\n"
              "ledger   yes   no      sockets    listening  books\n"
              "1 service\n");
    EXPECT_EQ(ctl(broker, {"list-plugins", "--no-legend"}).output,
              "scp  discovery  failed  1  2  3  /p/scp.so  gone\n");
}

TEST(Questions, CredentialsAreATableAndWhatIsWrongIsBelowIt) {
    FakeBroker broker(
        {{"ListCredentials",
          gives(
              R"({"credentials":[{"identity":"service ledger","principal":"ledger/a@R","keytab":"/k",)"
              R"("keys":[{"principal":"ledger/a@R","kvno":3,"enctype":"aes"}],"failure":"NoCredentials: gone",)"
              R"("hint":"export it","failedAt":0}]})")}});
    const Ended ended = ctl(broker, {"list-credentials", "--no-legend"});
    EXPECT_EQ(ended.status, exit_ok);
    EXPECT_NE(ended.output.find("service ledger  ledger/a@R  /k  kvno 3 (aes)"), std::string::npos);
    EXPECT_NE(ended.output.find("service ledger: NoCredentials: gone"), std::string::npos);
    EXPECT_NE(ended.output.find("hint: export it\n"), std::string::npos);
}

TEST(Questions, CredentialsAreThoseOfTheCacheThatIsNamed) {
    FakeBroker broker({{"ListCredentials", gives(R"({"credentials":[]})")}});
    ctl(broker, {"list-credentials", "--cache", "FILE:/tmp/cc"}, {"KRB5CCNAME=KEYRING:persistent:0"});
    ctl(broker, {"list-credentials"}, {"KRB5CCNAME=KEYRING:persistent:0"});
    const std::string method = "org.mutuald.Broker.ListCredentials ";
    EXPECT_EQ(broker.calls(),
              (std::vector<std::string>{method + R"({"credentialCache":"FILE:/tmp/cc"})",
                                        method + R"({"credentialCache":"KEYRING:persistent:0"})"}));
}

TEST(Questions, CloseChannelSaysNothingWhenItIsDone) {
    FakeBroker broker({{"CloseChannel", gives("{}")}});
    const Ended ended = ctl(broker, {"close-channel", "c-1"});
    EXPECT_EQ(ended.status, exit_ok);
    EXPECT_EQ(ended.output + ended.error, "");
    EXPECT_EQ(broker.calls(),
              std::vector<std::string>{R"(org.mutuald.Broker.CloseChannel {"channel":"c-1"})"});
}

}  // namespace
}  // namespace mutual::ctl
