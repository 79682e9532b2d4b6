// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/changed_keys.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>
#include <map>
#include <set>

namespace mutual::broker {

namespace json = boost::json;

namespace {

using Flat = std::map<std::string, std::string>;

void flatten(const std::string& key, const json::value& value, Flat& flat);

void flatten_rules(const json::array& rules, Flat& flat) {
    std::string order;
    for (const json::value& rule : rules) {
        const json::value* name = rule.is_object() ? rule.get_object().if_contains("name") : nullptr;
        const std::string text =
            name != nullptr && name->is_string() ? json::value_to<std::string>(*name) : "";
        order.append(text).push_back('\n');
        flatten("rule." + text, rule, flat);
    }
    flat["rule"] = order;
}

void flatten(const std::string& key, const json::value& value, Flat& flat) {
    if (key == "rule" && value.is_array()) return flatten_rules(value.get_array(), flat);
    if (!value.is_object()) {
        flat[key] = json::serialize(value);
        return;
    }
    for (const auto& [name, inner] : value.get_object())
        flatten(key.empty() ? std::string(name) : key + "." + std::string(name), inner, flat);
}

Flat flat_of(std::string_view written) {
    Flat flat;
    flatten("", json::parse(written), flat);
    return flat;
}

}  // namespace

std::vector<std::string> changed_keys(std::string_view before, std::string_view after) {
    const Flat old_keys = flat_of(before);
    Flat new_keys = flat_of(after);
    std::set<std::string> changed;
    for (const auto& [key, value] : old_keys) {
        const auto now = new_keys.extract(key);
        if (now.empty() || now.mapped() != value) changed.insert(key);
    }
    for (const auto& [key, value] : new_keys) changed.insert(key);
    return {changed.begin(), changed.end()};
}

}  // namespace mutual::broker
