// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/section.h"

#include <algorithm>

#include "daemon/config/duration.h"
#include "daemon/config/nearest.h"
#include "daemon/unit/text.h"

namespace mutual::config {
Section::Section(const Node& node, std::string path, Errors& errors)
    : node_(node), path_(std::move(path)), errors_(errors) {
    if (node.table() == nullptr)
        errors_.push_back(error_at(node.value, path_, "must be a table, is " + std::string(type_name(node))));
}

std::string Section::path_of(const std::string& key) const {
    if (path_.empty() || key.empty()) return path_ + key;
    return path_ + "." + key;
}

const Node* Section::find(const std::string& key) const {
    const NodeTable* table = node_.table();
    if (table == nullptr) return nullptr;
    const auto found = table->find(key);
    return found == table->end() ? nullptr : &found->second;
}

const Node* Section::take(const std::string& key) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
    return find(key);
}

template <class T>
const T* Section::take_as(const std::string& key, const char* wanted) {
    const Node* node = take(key);
    if (node == nullptr) return nullptr;
    const T* value = std::get_if<T>(&node->data);
    if (value == nullptr)
        complain_at(node->value, key,
                    std::string("must be ") + wanted + ", is " + std::string(type_name(*node)));
    return value;
}

bool Section::passes(const std::string& key, const Node& node, const Check& check) {
    const auto* text = std::get_if<std::string>(&node.data);
    if (text == nullptr) {
        complain_at(node.value, key, "must be a string, is " + std::string(type_name(node)));
        return false;
    }
    if (!check) return true;
    const Result<void> checked = check(*text);
    if (!checked) complain_at(node.value, key, checked.error().message, checked.error().hint);
    return checked.ok();
}

bool Section::text(const std::string& key, std::string& field, const Check& check) {
    const Node* node = take(key);
    if (node == nullptr || !passes(key, *node, check)) return false;
    field = std::get<std::string>(node->data);
    return true;
}

bool Section::each(const std::string& key, const Check& check) {
    const auto* nodes = take_as<NodeList>(key, "a list of strings");
    if (nodes == nullptr) return false;
    bool good = true;
    for (const Node& node : *nodes) good = passes(key, node, check) && good;
    return good;
}

bool Section::texts(const std::string& key, std::vector<std::string>& field, const Check& check) {
    std::vector<std::string> values;
    const Check keep = [&](const std::string& text) -> Result<void> {
        values.push_back(text);
        return check ? check(text) : Result<void>{};
    };
    if (!each(key, keep)) return false;
    field = std::move(values);
    return true;
}

bool Section::boolean(const std::string& key, bool& field) {
    const auto* value = take_as<bool>(key, "true or false");
    if (value == nullptr) return false;
    field = *value;
    return true;
}

bool Section::integer_between(const std::string& key, std::int64_t& field, std::int64_t least,
                              std::int64_t most) {
    const auto* value = take_as<std::int64_t>(key, "an integer");
    if (value == nullptr) return false;
    if (*value < least || *value > most) {
        complain_at(find(key)->value, key,
                    "must be from " + std::to_string(least) + " to " + std::to_string(most) + ", is " +
                        std::to_string(*value));
        return false;
    }
    field = *value;
    return true;
}

bool Section::integers(const std::string& key, std::vector<std::uint32_t>& field, std::int64_t least,
                       std::int64_t most) {
    const auto* nodes = take_as<NodeList>(key, "a list of integers");
    if (nodes == nullptr) return false;
    std::vector<std::uint32_t> values;
    for (const Node& node : *nodes) {
        const auto* value = std::get_if<std::int64_t>(&node.data);
        if (value == nullptr || *value < least || *value > most) {
            complain_at(node.value, key,
                        "must hold integers from " + std::to_string(least) + " to " + std::to_string(most) +
                            (value == nullptr ? ", holds " + std::string(type_name(node))
                                              : ", holds " + std::to_string(*value)));
            return false;
        }
        values.push_back(static_cast<std::uint32_t>(*value));
    }
    field = std::move(values);
    return true;
}

bool Section::number_or_name(const std::string& key, std::uint32_t& field, std::int64_t least,
                             std::int64_t most,
                             const std::function<Result<std::uint32_t>(const std::string&)>& look_up) {
    const Node* node = take(key);
    if (node == nullptr) return false;
    const auto* text = std::get_if<std::string>(&node->data);
    if (text == nullptr) return integer(key, field, least, most);
    const auto number = look_up(*text);
    if (!number) {
        complain_at(node->value, key, number.error().message, number.error().hint);
        return false;
    }
    field = *number;
    return true;
}

bool Section::duration_between(const std::string& key, std::chrono::milliseconds& field,
                               std::chrono::milliseconds least, std::chrono::milliseconds most) {
    static constexpr auto form = R"(write a number and a unit: "500ms", "10s", "5min", "2h", "1d")";
    const Node* node = take(key);
    if (node == nullptr) return false;
    const auto* text = std::get_if<std::string>(&node->data);
    const auto value = text == nullptr ? std::nullopt : parse_duration(*text);
    if (!value) {
        const std::string is = text == nullptr ? std::string(type_name(*node)) : unit::shown(*text);
        complain_at(node->value, key, "must be a time, is " + is, form);
        return false;
    }
    if (*value < least || *value > most) {
        complain_at(node->value, key,
                    "must be from " + to_text(least) + " to " + to_text(most) + ", is " + *text);
        return false;
    }
    field = *value;
    return true;
}

bool Section::choice_index(const std::string& key, std::size_t& index,
                           const std::vector<std::string>& names) {
    const Node* node = take(key);
    if (node == nullptr || !passes(key, *node, {})) return false;
    const std::string& text = std::get<std::string>(node->data);
    const auto found = std::find(names.begin(), names.end(), text);
    if (found == names.end()) {
        complain_at(node->value, key, "has no value " + unit::shown(text), suggestion(text, names));
        return false;
    }
    index = static_cast<std::size_t>(found - names.begin());
    return true;
}

bool Section::json(const std::string& key, std::string& field) {
    const Node* node = table(key);
    if (node == nullptr) return false;
    auto text = to_json(*node);
    if (!text) errors_.push_back(text.error());
    if (text) field = std::move(*text);
    return text.ok();
}

const Node* Section::table(const std::string& key) {
    return take_as<NodeTable>(key, "a table") == nullptr ? nullptr : find(key);
}

const Node* Section::list(const std::string& key) {
    return take_as<NodeList>(key, "a list") == nullptr ? nullptr : find(key);
}

void Section::require(const std::string& key, const std::string& why) {
    take(key);
    if (node_.table() != nullptr && !has(key)) complain_at(where(), key, "is missing", why);
}

void Section::refuse(const std::string& key, const std::string& why) {
    if (take(key) != nullptr) complain(key, why);
}

void Section::complain(const std::string& key, const std::string& what, const std::string& hint) {
    const Node* node = find(key);
    complain_at(node == nullptr ? where() : node->value, key, what, hint);
}

void Section::complain_at(const Location& where, const std::string& key, const std::string& what,
                          const std::string& hint) {
    errors_.push_back(error_at(where, path_of(key), what, hint));
}

void Section::finish() {
    if (node_.table() == nullptr) return;
    for (const auto& [key, node] : *node_.table())
        if (std::find(known_.begin(), known_.end(), key) == known_.end())
            complain_at(node.key, key, "unknown key", suggestion(key, known_));
}

}  // namespace mutual::config
