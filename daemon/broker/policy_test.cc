// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/policy.h"

#include <gtest/gtest.h>

namespace mutual::broker {
namespace {

Caller caller(uid_t uid, gid_t gid = 100, std::vector<gid_t> groups = {}) {
    return {42, uid, gid, std::move(groups)};
}

config::Rule rule(std::string name, config::Action action) {
    config::Rule rule;
    rule.name = std::move(name);
    rule.action = action;
    rule.services = {"ledger"};
    return rule;
}

Result<std::string> nobody_asks() {
    ADD_FAILURE() << "the unit was asked for";
    return std::string();
}

Decision decided(const config::Configuration& configuration, const Caller& who, std::string_view service,
                 CallerUnit::Source source = nobody_asks) {
    CallerUnit unit(std::move(source));
    return decide(configuration, who, unit, service);
}

CallerUnit::Source in(std::string unit) {
    return [unit = std::move(unit)]() -> Result<std::string> { return unit; };
}

TEST(Policy, RefusesWithoutARuleAndSaysSo) {
    const Decision decision = decided(config::Configuration(), caller(0), "ledger");
    EXPECT_FALSE(decision.allowed);
    EXPECT_EQ(decision.rule, "default");
    EXPECT_EQ(decision.reason, "no rule allows uid 0 service 'ledger'");
}

TEST(Policy, LetsTheFirstMatchingRuleDecideAndNamesIt) {
    config::Configuration configuration;
    configuration.rules = {rule("no-bob", config::Action::deny), rule("staff", config::Action::allow)};
    configuration.rules[0].users = {{"bob", 1002}};
    configuration.rules[1].any_user = true;
    const Decision bob = decided(configuration, caller(1002), "ledger");
    EXPECT_FALSE(bob.allowed);
    EXPECT_EQ(bob.rule, "no-bob");
    const Decision alice = decided(configuration, caller(1001), "ledger");
    EXPECT_TRUE(alice.allowed);
    EXPECT_EQ(alice.rule, "staff");
    EXPECT_FALSE(decided(configuration, caller(1001), "payroll").allowed);
}

TEST(Policy, KnowsPrimaryAndSupplementaryGroups) {
    config::Configuration configuration;
    configuration.rules = {rule("staff", config::Action::allow)};
    configuration.rules[0].groups = {{"staff", 50}};
    EXPECT_TRUE(decided(configuration, caller(1001, 50), "ledger").allowed);
    EXPECT_TRUE(decided(configuration, caller(1001, 100, {7, 50}), "ledger").allowed);
    EXPECT_FALSE(decided(configuration, caller(1001, 100, {7}), "ledger").allowed);
}

TEST(Policy, MatchesNobodyWithARuleThatNamesNobody) {
    config::Configuration configuration;
    configuration.rules = {rule("empty", config::Action::allow)};
    EXPECT_FALSE(decided(configuration, caller(0, 0), "ledger").allowed);
}

TEST(Policy, LetsARuleMatchInItsUnitsOnly) {
    config::Configuration configuration;
    configuration.rules = {rule("batch", config::Action::allow)};
    configuration.rules[0].any_user = true;
    configuration.rules[0].units = {{"backup.service"}, {"worker@*.service"}};
    const Decision worker = decided(configuration, caller(5), "ledger", in("worker@1.service"));
    EXPECT_TRUE(worker.allowed);
    EXPECT_EQ(worker.reason, "rule 'batch' (built in) allows uid 5 in worker@1.service service 'ledger'");
    const Decision other = decided(configuration, caller(5), "ledger", in("cron.service"));
    EXPECT_FALSE(other.allowed);
    EXPECT_EQ(other.reason, "no rule allows uid 5 in cron.service service 'ledger'");
    EXPECT_EQ(decided(configuration, caller(5), "ledger", in("")).reason,
              "no rule allows uid 5 in no unit service 'ledger'");
    EXPECT_FALSE(decided(configuration, caller(5), "payroll").allowed) << "and nobody asked for the unit";
}

TEST(Policy, RefusesWhomARuleOnUnitsCouldDeny) {
    config::Configuration configuration;
    configuration.rules = {rule("no-batch", config::Action::deny), rule("all", config::Action::allow)};
    configuration.rules[0].any_user = configuration.rules[1].any_user = true;
    configuration.rules[0].units = {{"backup.service"}};
    EXPECT_FALSE(decided(configuration, caller(5), "ledger", in("backup.service")).allowed);
    EXPECT_TRUE(decided(configuration, caller(5), "ledger", in("cron.service")).allowed);
    const auto unknown = []() -> Result<std::string> {
        return Error(Code::unavailable, Stage::caller, "which unit cannot be told");
    };
    const Decision refused = decided(configuration, caller(5), "ledger", unknown);
    EXPECT_FALSE(refused.allowed);
    EXPECT_EQ(refused.rule, "no-batch");
    EXPECT_NE(refused.reason.find("which unit cannot be told"), std::string::npos) << refused.reason;
}

}  // namespace
}  // namespace mutual::broker
