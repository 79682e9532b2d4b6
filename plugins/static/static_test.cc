// SPDX-License-Identifier: Apache-2.0
#include "plugins/static/static.h"

#include <gtest/gtest.h>

namespace mutual::static_plugin {
namespace {

struct Found final : CandidateSink {
    bool found(Candidate candidate) override {
        candidates.push_back(std::move(candidate));
        return candidates.size() < most;
    }
    void note(std::string text) override { notes.push_back(std::move(text)); }
    std::vector<Candidate> candidates;
    std::vector<std::string> notes;
    std::size_t most = 100;
};

constexpr std::string_view two_ledgers = R"({"instances":[
    {"class":"ledger","host":"app1.mutual.test","port":7010,"keywords":["books","v2"],"priority":1,"weight":5},
    {"class":"ledger","host":"app2.mutual.test","port":7011,"keywords":["books"],"service_name":"CN=x","version":"3"}]})";

std::vector<Candidate> find(std::string_view json, const Query& query) {
    Found found;
    EXPECT_TRUE(make_static(json).value()->find(query, {}, Deadline::max(), found).ok());
    return found.candidates;
}

TEST(StaticPlugin, GivesEveryInstanceOfTheClassAsWritten) {
    Query query;
    query.service_class = "LEDGER";
    const auto found = find(two_ledgers, query);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].host, "app1.mutual.test");
    EXPECT_EQ(found[0].port, 7010);
    EXPECT_EQ(found[0].transport, "");
    EXPECT_EQ(found[0].priority, 1U);
    EXPECT_EQ(found[0].weight, 5U);
    EXPECT_EQ(found[0].trust, SourceTrust::administrator);
    EXPECT_EQ(found[0].source, "instances[0]");
    EXPECT_EQ(found[1].service_name, "CN=x");
    EXPECT_EQ(found[1].version, "3");
    EXPECT_EQ(found[1].spn_port, 0);
}

TEST(StaticPlugin, NarrowsByHostKeywordAndLimit) {
    Query by_host;
    by_host.host = "APP2.mutual.test.";
    EXPECT_EQ(find(two_ledgers, by_host).size(), 1U);
    Query by_keyword;
    by_keyword.keywords = {"books", "V2"};
    EXPECT_EQ(find(two_ledgers, by_keyword).size(), 1U);
    Query limited;
    limited.limit = 1;
    EXPECT_EQ(find(two_ledgers, limited).size(), 1U);
}

TEST(StaticPlugin, FindsNothingForAnotherClassInstanceOrProgram) {
    Query other;
    other.service_class = "payroll";
    EXPECT_TRUE(find(two_ledgers, other).empty());
    Query instance;
    instance.instance = "28630ec1-41d5-11d1-a9c1-0000f80367c1";
    EXPECT_TRUE(find(two_ledgers, instance).empty());
    Query program;
    program.rpc_program = 200001;
    EXPECT_TRUE(find(two_ledgers, program).empty());
    EXPECT_TRUE(find("{}", {}).empty());
}

TEST(StaticPlugin, StopsWhenTheSinkWantsNoMore) {
    Found found;
    found.most = 1;
    EXPECT_TRUE(make_static(two_ledgers).value()->find({}, {}, Deadline::max(), found).ok());
    EXPECT_EQ(found.candidates.size(), 1U);
}

TEST(StaticPlugin, RefusesABadInstanceAndNamesItsKey) {
    const auto message = [](std::string_view json) { return make_static(json).error().message; };
    EXPECT_EQ(message(R"({"instances":[{"host":"a","port":1}]})"), "option `instances[0].class` is required");
    EXPECT_EQ(message(R"({"instances":[{"class":"l","host":"a"}]})"),
              "option `instances[0].port` is required");
    EXPECT_EQ(message(R"({"instances":[{"class":"l","host":"a","port":70000}]})"),
              "option `instances[0].port` must be a number from 1 to 65535");
    EXPECT_EQ(message(R"({"instances":[{"class":"l","host":"a","port":1,"prot":2}]})"),
              "option `instances[0].prot` is unknown");
    EXPECT_EQ(message(R"({"instances":7})"), "option `instances` must be an array of at most 1024 tables");
}

TEST(StaticPlugin, AnswersThatItOnlyFinds) {
    auto plugin = make_static("{}").value();
    EXPECT_EQ(plugin->publish({}, {}, Deadline::max()).error().code, Code::invalid_request);
    EXPECT_EQ(plugin->watch({}, {}, {}).error().code, Code::invalid_request);
}

}  // namespace
}  // namespace mutual::static_plugin
