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

TEST(Policy, RefusesWithoutARuleAndSaysSo) {
    const Decision decision = decide(config::Configuration(), caller(0), "ledger");
    EXPECT_FALSE(decision.allowed);
    EXPECT_EQ(decision.rule, "default");
    EXPECT_EQ(decision.reason, "no rule allows uid 0 service 'ledger'");
}

TEST(Policy, LetsTheFirstMatchingRuleDecideAndNamesIt) {
    config::Configuration configuration;
    configuration.rules = {rule("no-bob", config::Action::deny), rule("staff", config::Action::allow)};
    configuration.rules[0].users = {{"bob", 1002}};
    configuration.rules[1].any_user = true;
    const Decision bob = decide(configuration, caller(1002), "ledger");
    EXPECT_FALSE(bob.allowed);
    EXPECT_EQ(bob.rule, "no-bob");
    const Decision alice = decide(configuration, caller(1001), "ledger");
    EXPECT_TRUE(alice.allowed);
    EXPECT_EQ(alice.rule, "staff");
    EXPECT_FALSE(decide(configuration, caller(1001), "payroll").allowed);
}

TEST(Policy, KnowsPrimaryAndSupplementaryGroups) {
    config::Configuration configuration;
    configuration.rules = {rule("staff", config::Action::allow)};
    configuration.rules[0].groups = {{"staff", 50}};
    EXPECT_TRUE(decide(configuration, caller(1001, 50), "ledger").allowed);
    EXPECT_TRUE(decide(configuration, caller(1001, 100, {7, 50}), "ledger").allowed);
    EXPECT_FALSE(decide(configuration, caller(1001, 100, {7}), "ledger").allowed);
}

TEST(Policy, MatchesNobodyWithARuleThatNamesNobody) {
    config::Configuration configuration;
    configuration.rules = {rule("empty", config::Action::allow)};
    EXPECT_FALSE(decide(configuration, caller(0, 0), "ledger").allowed);
}

}  // namespace
}  // namespace mutual::broker
