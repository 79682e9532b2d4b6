// SPDX-License-Identifier: Apache-2.0
#include "plugins/options/options.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

namespace mutual::options {
namespace {

Error wrong(std::string message, std::string hint = {}) {
    return {Code::invalid_configuration, Stage::discovery, std::move(message), std::move(hint)};
}

bool is_text(const json::value& value, std::size_t longest) {
    const auto* text = value.if_string();
    return text && text->size() <= longest && std::string_view(*text).find('\0') == std::string_view::npos;
}

}  // namespace

Result<json::object> parse(std::string_view text) {
    if (text.empty()) return json::object{};
    boost::system::error_code failed;
    json::parse_options limits;
    limits.max_depth = 8;
    auto value = json::parse(text, failed, {}, limits);
    if (failed) return wrong("read the plugin's options: " + failed.message());
    if (!value.is_object()) return wrong("read the plugin's options: not an object");
    return std::move(value.as_object());
}

Reader::Reader(const json::object& object, std::string place) : object_(object), place_(std::move(place)) {}

const json::value* Reader::find(std::string_view key) {
    known_.emplace_back(key);
    return error_ ? nullptr : object_.if_contains(key);
}

void Reader::fault(std::string_view key, std::string_view complaint) {
    if (error_) return;
    std::string where = place_;
    if (!place_.empty()) where += '.';
    error_ = wrong("option `" + where + std::string(key) + "` " + std::string(complaint));
}

std::string Reader::text(std::string_view key, std::size_t longest) {
    const auto* value = find(key);
    if (!value) return {};
    if (is_text(*value, longest)) return std::string(value->get_string());
    fault(key, "must be a text of at most " + std::to_string(longest) + " octets");
    return {};
}

std::string Reader::required_text(std::string_view key, std::size_t longest) {
    auto found = text(key, longest);
    if (found.empty()) fault(key, "is required");
    return found;
}

std::vector<std::string> Reader::texts(std::string_view key, std::size_t most) {
    const auto* value = find(key);
    if (!value) return {};
    const auto* array = value->if_array();
    const auto good = [](const json::value& item) {
        return is_text(item, 1024) && !item.get_string().empty();
    };
    if (!array || array->size() > most || !std::all_of(array->begin(), array->end(), good)) {
        fault(key, "must be an array of at most " + std::to_string(most) + " texts");
        return {};
    }
    std::vector<std::string> found;
    for (const auto& item : *array) found.emplace_back(item.get_string());
    return found;
}

std::optional<std::int64_t> Reader::number(std::string_view key, std::int64_t lowest, std::int64_t highest) {
    const auto* value = find(key);
    if (!value) return std::nullopt;
    if (value->is_int64() && value->get_int64() >= lowest && value->get_int64() <= highest)
        return value->get_int64();
    fault(key, "must be a number from " + std::to_string(lowest) + " to " + std::to_string(highest));
    return std::nullopt;
}

std::vector<std::int64_t> Reader::numbers(std::string_view key, std::int64_t lowest, std::int64_t highest,
                                          std::size_t most) {
    const auto* value = find(key);
    if (!value) return {};
    const auto* array = value->if_array();
    const auto good = [&](const json::value& item) {
        return item.is_int64() && item.get_int64() >= lowest && item.get_int64() <= highest;
    };
    if (!array || array->size() > most || !std::all_of(array->begin(), array->end(), good)) {
        fault(key, "must be an array of at most " + std::to_string(most) + " numbers from " +
                       std::to_string(lowest) + " to " + std::to_string(highest));
        return {};
    }
    std::vector<std::int64_t> found;
    for (const auto& item : *array) found.push_back(item.get_int64());
    return found;
}

std::size_t Reader::choice(std::string_view key, const std::vector<std::string_view>& names,
                           std::size_t otherwise) {
    const auto* value = find(key);
    if (!value) return otherwise;
    std::string list;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (value->is_string() && value->get_string() == names[i]) return i;
        list.append(i ? ", " : "").append(names[i]);
    }
    fault(key, "must be one of: " + list);
    return otherwise;
}

std::vector<const json::object*> Reader::objects(std::string_view key, std::size_t most) {
    const auto* value = find(key);
    if (!value) return {};
    const auto* array = value->if_array();
    std::vector<const json::object*> found;
    if (array && array->size() <= most)
        for (const auto& item : *array)
            if (const auto* object = item.if_object()) found.push_back(object);
    if (!array || found.size() != array->size()) {
        fault(key, "must be an array of at most " + std::to_string(most) + " tables");
        return {};
    }
    return found;
}

Result<void> Reader::finish() {
    if (error_) return *error_;
    for (const auto& item : object_) {
        if (std::find(known_.begin(), known_.end(), item.key()) != known_.end()) continue;
        fault(item.key(), "is unknown");
        std::string list;
        for (const auto& key : known_) list += (list.empty() ? "" : ", ") + key;
        error_->hint = "known options: " + list;
        return *error_;
    }
    return {};
}

}  // namespace mutual::options
