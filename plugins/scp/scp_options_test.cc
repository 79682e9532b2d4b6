// SPDX-License-Identifier: Apache-2.0
#include "plugins/scp/scp_options.h"

#include <gtest/gtest.h>

#include "plugins/scp/scp.h"
#include "plugins/scp/servers.h"

namespace mutual::scp {
namespace {

struct Found final : CandidateSink {
    bool found(Candidate) override {
        ++candidates;
        return true;
    }
    void note(std::string) override {}
    int candidates = 0;
};

constexpr std::string_view one_server = R"({"servers":["ldap://dc.mutual.test"]})";

std::string fault(std::string_view json) { return parse_options(json).error().message; }

TEST(ScpOptions, NeedServersOrADomain) {
    EXPECT_EQ(parse_options(one_server).value().servers.size(), 1U);
    EXPECT_EQ(parse_options(R"({"domain":"mutual.test"})").value().domain, "mutual.test");
    EXPECT_EQ(fault("{}"), "option `servers` or `domain` is required, and not both");
    EXPECT_FALSE(parse_options(R"({"servers":["ldap://a"],"domain":"b"})").ok());
}

TEST(ScpOptions, FT_053_RefuseAServerWhoseSchemeDoesNotFitTheSecurity) {
    EXPECT_FALSE(parse_options(R"({"servers":["ldaps://a"]})").ok());
    EXPECT_FALSE(parse_options(R"({"servers":["ldap://app1"],"security":"ldaps"})").ok());
    EXPECT_TRUE(parse_options(R"({"servers":["ldaps://a"],"security":"ldaps"})").ok());
    EXPECT_FALSE(parse_options(R"({"servers":["ldap://a"],"security":"none"})").ok());
}

TEST(ScpOptions, RefuseWhatIsNotOneServer) {
    for (const char* url :
         {"dc.mutual.test", "ldap://", "ldap://a/dc=x", "ldap://a b", "ldapi:///", "ldap://:389"})
        EXPECT_FALSE(parse_options(std::string(R"({"servers":[")") + url + "\"]}").ok()) << url;
}

TEST(ScpOptions, NameAnUnknownKeyAndABadBase) {
    EXPECT_EQ(fault(R"({"servers":["ldap://a"],"page":1})"), "option `page` is unknown");
    EXPECT_EQ(fault(R"({"servers":["ldap://a"],"base":"x"})"), "option `base` must be a distinguished name");
}

TEST(Servers, TheGlobalCatalogIsAnotherPortOfTheSameHost) {
    EXPECT_EQ(with_port("ldap://dc.mutual.test", 3268), "ldap://dc.mutual.test:3268");
    EXPECT_EQ(with_port("ldap://dc.mutual.test:389", 3268), "ldap://dc.mutual.test:3268");
    EXPECT_EQ(with_port("ldap://[fd00::1]", 3268), "ldap://[fd00::1]:3268");
    EXPECT_EQ(with_port("ldap://[fd00::1]:389", 3268), "ldap://[fd00::1]:3268");
}

TEST(Scp, FT_054_RefusesABaseThatIsNoDistinguishedName) {
    Found found;
    Query query;
    query.service_class = "ledger";
    query.base = "ldap:///cn=x";
    const auto answer = make_scp(one_server).value()->find(query, {}, Deadline::max(), found);
    EXPECT_EQ(answer.error().code, Code::invalid_request);
}

TEST(Scp, FT_053_DoesNotConnectWithoutTickets) {
    Found found;
    Query query;
    query.service_class = "ledger";
    const auto soon = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    const auto answer = make_scp(one_server).value()->find(query, {}, soon, found);
    EXPECT_EQ(answer.error().code, Code::no_credentials);
    EXPECT_NE(answer.error().message.find("no tickets were given"), std::string::npos);
}

TEST(Scp, AnswersWhatItCannotDoAndWhatIsNotItsOwn) {
    Found found;
    auto plugin = make_scp(one_server).value();
    EXPECT_EQ(plugin->find({}, {}, Deadline::max(), found).error().code, Code::invalid_request);
    EXPECT_EQ(plugin->publish({}, {}, Deadline::max()).error().code, Code::invalid_request);
    Query program;
    program.rpc_program = 200001;
    EXPECT_TRUE(plugin->find(program, {}, Deadline::max(), found).ok());
    EXPECT_EQ(found.candidates, 0);
}

}  // namespace
}  // namespace mutual::scp
