// SPDX-License-Identifier: Apache-2.0
// [[rule]]: who may open what.
#include <map>

#include "daemon/config/checks.h"
#include "daemon/config/read.h"
#include "daemon/unit/account.h"

namespace mutual::config {
namespace {

void read_who(Section& section, Rule& rule) {
    section.each("users", [&rule](const std::string& name) -> Result<void> {
        if (name == "*") {
            rule.any_user = true;
            return {};
        }
        const auto account = unit::find_user(name);
        if (!account) return account.error();
        rule.users.push_back({name, account->uid});
        return {};
    });
    section.each("groups", [&rule](const std::string& name) -> Result<void> {
        const auto gid = unit::find_group(name);
        if (!gid) return gid.error();
        rule.groups.push_back({name, *gid});
        return {};
    });
    section.each("units", keep_unit(rule.units));
    if (section.has("units") && rule.units.empty()) section.complain("units", "must not be empty");
    if (section.has("users") || section.has("groups")) return;
    // Whoever has a process there, which with some units is everybody: docs/mutuald.toml.md warns of that.
    rule.any_user = section.has("units");
    if (!rule.any_user)
        section.complain("users", "is missing, and so are `groups` and `units`",
                         "users = [\"*\"] is everyone");
}

void read_rule(Section& section, Rule& rule, const Configuration& configuration) {
    section.require("name", "refusals name the rule that decided");
    section.text("name", rule.name, check_name);
    section.require("action");
    section.choice("action", rule.action, {{"allow", Action::allow}, {"deny", Action::deny}});
    read_who(section, rule);
    section.require("services", "services = [\"*\"] is all");
    section.each("services", [&](const std::string& name) -> Result<void> {
        if (name == "*") {
            rule.any_service = true;
            return {};
        }
        rule.services.push_back(name);
        return check_service(configuration, name);
    });
}

}  // namespace

Section::Check keep_unit(std::vector<UnitPattern>& units) {
    return [&units](const std::string& text) -> Result<void> {
        auto pattern = parse_unit_pattern(text);
        if (!pattern) return pattern.error();
        units.push_back(std::move(*pattern));
        return {};
    };
}

void read_rules(Section& root, Configuration& configuration) {
    const Node* nodes = root.list("rule");
    if (nodes == nullptr) return;
    std::map<std::string, Location> named;
    for (std::size_t i = 0; i < nodes->list()->size(); ++i) {
        const Node& node = (*nodes->list())[i];
        Section section(node, root.path_of("rule[" + std::to_string(i) + "]"), root.errors());
        Rule& rule = configuration.rules.emplace_back();
        rule.where = section.where();
        read_rule(section, rule, configuration);
        const auto [place, is_new] = named.emplace(rule.name, rule.where);
        if (!is_new && !rule.name.empty())
            section.complain("name", "another rule has this name: " + to_string(place->second));
        section.finish();
    }
}

}  // namespace mutual::config
