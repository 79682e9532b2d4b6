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

std::string place(const config::Rule& rule) {
    return "rule '" + rule.name + "' (" + config::to_string(rule.where) + ")";
}

}  // namespace

Decision decide(const config::Configuration& configuration, const Caller& caller, CallerUnit& unit,
                std::string_view service) {
    std::string who = "uid " + std::to_string(caller.uid);
    for (const config::Rule& rule : configuration.rules) {
        if (!matches(rule, caller, service)) continue;
        if (!rule.units.empty()) {
            const Result<std::string>& name = unit.name();
            if (!name) return {false, rule.name, place(rule) + " lists units: " + name.error().message};
            if (!runs_in(*name, rule.units)) continue;
        }
        if (!unit.known().empty()) who += " in " + unit.known();
        const bool allowed = rule.action == config::Action::allow;
        return {allowed, rule.name,
                place(rule) + " " + (allowed ? "allows " : "denies ") + who + " service '" +
                    std::string(service) + "'"};
    }
    if (unit.was_asked()) who += unit.known().empty() ? " in no unit" : " in " + unit.known();
    return {false, "default", "no rule allows " + who + " service '" + std::string(service) + "'"};
}

}  // namespace mutual::broker
