// SPDX-License-Identifier: Apache-2.0
// Texts for people, the command line's names, and the manual page that lists them.
#include "client/mutualctl/reports.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "client/mutualctl/exit_status.h"
#include "client/mutualctl/options.h"
#include "client/mutualctl/table.h"
#include "client/printable.h"

namespace mutual::ctl {
namespace {

using namespace std::chrono_literals;
using client::printable;

client::Explanation refused_open() {
    return {.request = "4f1c",
            .service = "ledger",
            .caller_uid = 1000,
            .lines = {{"caller", "known", "uid 1000 (alice), pid 812", 90us},
                      {"policy", "allowed", "rule 'staff' of mutuald.toml:12", 140us},
                      {"discovery", "found", "scp: 1 instance at CN=ledger,DC=example", 12'340us},
                      {"trust", "refused", "", 1'512'000us}},
            .timings = {{"policy", 50us}, {"discovery", 12'200us}, {"trust", 1'500'000us}}};
}

TEST(Reports, ShowAnExplanationAsATable) {
    EXPECT_EQ(explanation_text(refused_open()),
              "request 4f1c: service 'ledger', caller uid 1000\n"
              "    TIME  STAGE      DECISION  MESSAGE\n"
              "   0.1ms  caller     known     uid 1000 (alice), pid 812\n"
              "   0.1ms  policy     allowed   rule 'staff' of mutuald.toml:12\n"
              "  12.3ms  discovery  found     scp: 1 instance at CN=ledger,DC=example\n"
              "  1.512s  trust      refused   -\n"
              "  time per stage: policy 0.1ms, discovery 12.2ms, trust 1.500s; in all 1.512s\n");
}

TEST(Reports, ShowAFailureWithStageCodeAndHint) {
    EXPECT_EQ(
        failure_text("open a channel to 'ledger'",
                     Error(Code::wrong_peer, Stage::handshake, "proved another name", "check its keytab")),
        "mutualctl: cannot open a channel to 'ledger': proved another name (stage handshake, WrongPeer)\n"
        "hint: check its keytab\n");
}

TEST(Reports, EscapeWhatAPeerMayHaveWritten) {
    const std::string text =
        failure_text("x", Error(Code::protocol, Stage::channel, "a\x1b[2J\nb\xc2\x9b", ""));
    EXPECT_NE(text.find(R"(a\x1b[2J\x0ab\xc2\x9b)"), std::string::npos) << text;
}

TEST(Reports, ShowChannels) {
    client::ChannelFacts open{.channel = "c-1",
                              .role = "initiator",
                              .service = "ledger",
                              .caller_uid = 1000,
                              .caller_unit = "a.service",
                              .peer = "ledger/a@R",
                              .address = "2001:db8::1",
                              .port = 700,
                              .started = 940,
                              .expires = 1000 + 36'000};
    client::ChannelFacts ended = open;
    ended.channel = "c-22";
    ended.caller_unit.clear();
    ended.ended = 990;
    EXPECT_EQ(channels_text({open, ended}, true, 1000),
              "CHANNEL  ROLE       SERVICE   UID  UNIT       PEER        ADDRESS            STARTED   "
              "EXPIRES  STATE\n"
              "c-1      initiator  ledger   1000  a.service  ledger/a@R  [2001:db8::1]:700  1min ago  in 10h "
              "  open\n"
              "c-22     initiator  ledger   1000  -          ledger/a@R  [2001:db8::1]:700  1min ago  in 10h "
              "  ended\n"
              "2 channels\n");
    EXPECT_EQ(channels_text({}, false, 1000), "");
}

TEST(Reports, ShowOneChannel) {
    const std::string text = channel_text({.channel = "c-1", .peer = "ledger/a@R", .verdict = "reset"}, 1000);
    EXPECT_NE(text.find("         channel:  c-1\n"), std::string::npos) << text;
    EXPECT_NE(text.find("         verdict:  reset\n"), std::string::npos) << text;
    EXPECT_NE(text.find("           ended:  -\n"), std::string::npos) << text;
    EXPECT_EQ(text.find("calls:"), std::string::npos) << text;
}

TEST(Reports, ShowTheCallsOfAnRpcChannel) {
    EXPECT_NE(channel_text({.channel = "c-1", .transport = "oncrpc"}, 1000).find("calls:  0\n"),
              std::string::npos);
    EXPECT_NE(channel_text({.channel = "c-1", .transport = "another", .calls = 7}, 1000).find("calls:  7\n"),
              std::string::npos);
}

TEST(Table, AlignsByCharactersNotOctets) {
    Table table({{"A"}, {"B", Align::right}});
    table.row({"\xc3\xa9", "1"});
    table.row({"long", "22"});
    EXPECT_EQ(table.text(true), "A      B\n\xc3\xa9      1\nlong  22\n");
}

TEST(Printable, KeepsTextAndEscapesTheRest) {
    EXPECT_EQ(printable("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
              "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
    EXPECT_EQ(printable(std::string_view("a\0b\x7f\r", 5)), R"(a\x00b\x7f\x0d)");
    EXPECT_EQ(printable("\xff\xc3"), R"(\xff\xc3)");
    EXPECT_EQ(printable("\xc0\x80\xed\xa0\x80"), R"(\xc0\x80\xed\xa0\x80)");
}

// The page's text with its escapes undone and without macros' names.
std::string manual_page() {
    std::ifstream file(MANUAL_PAGE);
    std::stringstream text;
    text << file.rdbuf();
    std::string page = text.str();
    for (std::size_t at = 0; (at = page.find("\\-", at)) != std::string::npos; ++at) page.erase(at, 1);
    return page;
}

TEST(ManualPage, NamesEveryVerbOptionAndArgument) {
    const std::string page = manual_page();
    ASSERT_NE(page.find(".TH MUTUALCTL 1"), std::string::npos);
    const std::vector<GrammarVerb> verbs = grammar();
    ASSERT_EQ(verbs.size(), 22U);  // what all take, and twenty-one verbs
    for (const auto& verb : verbs) {
        EXPECT_TRUE(verb.name.empty() || page.find("\n.B " + verb.name) != std::string::npos) << verb.name;
        for (const auto& argument : verb.arguments)
            EXPECT_NE(page.find(argument), std::string::npos) << verb.name << " " << argument;
        for (const auto& option : verb.options)
            EXPECT_NE(page.find(option.spellings.back()), std::string::npos)
                << verb.name << " " << option.spellings.back();
    }
}

TEST(ManualPage, NamesEveryExitStatus) {
    const std::string page = manual_page();
    for (std::size_t number = 0; number < exit_meanings.size(); ++number) {
        const std::string entry = ".B " + std::to_string(number) + "\n" + std::string(exit_meanings[number]);
        EXPECT_NE(page.find(entry), std::string::npos) << entry;
    }
}

}  // namespace
}  // namespace mutual::ctl
