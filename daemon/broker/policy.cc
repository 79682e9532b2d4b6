// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/policy.h"

#include <algorithm>

namespace mutual::broker {

namespace {

bool matches(const config::Rule& rule, const Caller& caller, std::string_view service) {
    const bool is_service = rule.any_service || std::find(rule.services.begin(), rule.services.end(),
                                                          service) != rule.services.end();
    return is_service && (rule.any_user || is_user_or_member(caller, rule.users, rule.groups));
}

}  // namespace

Decision decide(const config::Configuration& configuration, const Caller& caller, std::string_view service) {
    const std::string who = "uid " + std::to_string(caller.uid);
    for (const config::Rule& rule : configuration.rules) {
        if (!matches(rule, caller, service)) continue;
        const bool allowed = rule.action == config::Action::allow;
        return {allowed, rule.name,
                "rule '" + rule.name + "' (" + config::to_string(rule.where) + ") " +
                    (allowed ? "allows " : "denies ") + who + " service '" + std::string(service) + "'"};
    }
    return {false, "default", "no rule allows " + who + " service '" + std::string(service) + "'"};
}

}  // namespace mutual::broker
