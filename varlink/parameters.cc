// SPDX-License-Identifier: Apache-2.0
#include "varlink/parameters.h"

#include <algorithm>

namespace mutual::varlink {

namespace {

constexpr std::size_t longest_name = 64;

// A member's name that we do not know was chosen by whoever sent it: it is told as it is only if it could be
// one of ours.
std::string_view shown(std::string_view name) {
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    if (name.size() <= longest_name && std::ranges::all_of(name, is_plain)) return name;
    return "(not a name)";
}

}  // namespace

Parameters::Parameters(const json::object& object, std::vector<UniqueFd>* descriptors, std::string_view what)
    : object_(object), descriptors_(descriptors), what_(what) {}

void Parameters::fault(std::string_view field, std::string_view complaint) {
    if (error_) return;
    std::string message = what_.empty() ? std::string() : what_ + ": ";
    message.append("parameter '").append(field).append("' ").append(complaint);
    error_ = Error(Code::invalid_request, Stage::request, std::move(message));
}

const json::value* Parameters::find(std::string_view field, bool required) {
    known_.emplace(field);
    const json::value* value = object_.if_contains(field);
    if (value != nullptr && value->is_null()) value = nullptr;
    if (value == nullptr && required) fault(field, "is missing");
    return value;
}

std::optional<std::string> Parameters::optional_text(std::string_view field, std::size_t longest) {
    const json::value* value = find(field, false);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) {
        fault(field, "is not a string");
        return std::nullopt;
    }
    const json::string& text = value->as_string();
    if (text.size() > longest) {
        fault(field, "is too long");
        return std::nullopt;
    }
    if (text.find('\0') != json::string::npos) {
        fault(field, "holds a NUL");
        return std::nullopt;
    }
    return std::string(text);
}

std::string Parameters::text(std::string_view field, std::size_t longest) {
    if (find(field, true) == nullptr) return {};
    return optional_text(field, longest).value_or(std::string());
}

std::vector<std::string> Parameters::optional_texts(std::string_view field, std::size_t most,
                                                    std::size_t longest) {
    const json::value* value = find(field, false);
    std::vector<std::string> texts;
    if (value == nullptr) return texts;
    if (!value->is_array() || value->as_array().size() > most) {
        fault(field, "is not an array of that size");
        return texts;
    }
    for (const json::value& element : value->as_array()) {
        if (!element.is_string() || element.as_string().size() > longest ||
            element.as_string().find('\0') != json::string::npos) {
            fault(field, "holds what is not a proper string");
            return {};
        }
        texts.emplace_back(element.as_string());
    }
    return texts;
}

std::vector<std::string> Parameters::texts(std::string_view field, std::size_t most, std::size_t longest) {
    find(field, true);
    return optional_texts(field, most, longest);
}

std::optional<std::int64_t> Parameters::optional_number(std::string_view field, std::int64_t lowest,
                                                        std::int64_t highest) {
    const json::value* value = find(field, false);
    if (value == nullptr) return std::nullopt;
    boost::system::error_code problem;
    const auto number = value->to_number<std::int64_t>(problem);
    if (problem || value->is_double()) {
        fault(field, "is not an integer");
        return std::nullopt;
    }
    if (number < lowest || number > highest) {
        fault(field, "must be in " + std::to_string(lowest) + ".." + std::to_string(highest));
        return std::nullopt;
    }
    return number;
}

std::int64_t Parameters::number(std::string_view field, std::int64_t lowest, std::int64_t highest) {
    find(field, true);
    return optional_number(field, lowest, highest).value_or(lowest);
}

std::vector<std::int64_t> Parameters::numbers(std::string_view field, std::size_t most, std::int64_t lowest,
                                              std::int64_t highest) {
    const json::value* value = find(field, true);
    std::vector<std::int64_t> numbers;
    if (value == nullptr) return numbers;
    if (!value->is_array() || value->as_array().size() > most) {
        fault(field, "is not an array of that size");
        return numbers;
    }
    for (const json::value& element : value->as_array()) {
        boost::system::error_code problem;
        const auto number = element.to_number<std::int64_t>(problem);
        if (problem || element.is_double() || number < lowest || number > highest) {
            fault(field, "holds what is not an integer in " + std::to_string(lowest) + ".." +
                             std::to_string(highest));
            return {};
        }
        numbers.push_back(number);
    }
    return numbers;
}

std::optional<bool> Parameters::optional_flag(std::string_view field) {
    const json::value* value = find(field, false);
    if (value == nullptr) return std::nullopt;
    if (!value->is_bool()) {
        fault(field, "is not a boolean");
        return std::nullopt;
    }
    return value->as_bool();
}

bool Parameters::flag(std::string_view field) {
    find(field, true);
    return optional_flag(field).value_or(false);
}

std::optional<json::object> Parameters::optional_object(std::string_view field) {
    const json::value* value = find(field, false);
    if (value == nullptr) return std::nullopt;
    if (!value->is_object()) {
        fault(field, "is not an object");
        return std::nullopt;
    }
    return value->as_object();
}

json::object Parameters::object(std::string_view field) {
    find(field, true);
    return optional_object(field).value_or(json::object());
}

std::vector<json::object> Parameters::optional_objects(std::string_view field, std::size_t most) {
    const json::value* value = find(field, false);
    std::vector<json::object> objects;
    if (value == nullptr) return objects;
    if (!value->is_array() || value->as_array().size() > most) {
        fault(field, "is not an array of that size");
        return objects;
    }
    for (const json::value& element : value->as_array()) {
        if (!element.is_object()) {
            fault(field, "holds what is not an object");
            return {};
        }
        objects.push_back(element.as_object());
    }
    return objects;
}

std::vector<json::object> Parameters::objects(std::string_view field, std::size_t most) {
    find(field, true);
    return optional_objects(field, most);
}

std::size_t Parameters::choice(std::string_view field, std::initializer_list<std::string_view> names) {
    const std::string given = text(field);
    std::size_t index = 0;
    std::string all;
    for (const std::string_view name : names) {
        if (name == given) return index;
        all.append(all.empty() ? "" : ", ").append(name);
        ++index;
    }
    fault(field, "must be one of " + all);
    return 0;
}

std::optional<std::size_t> Parameters::optional_choice(std::string_view field,
                                                       std::initializer_list<std::string_view> names) {
    if (find(field, false) == nullptr) return std::nullopt;
    return choice(field, names);
}

UniqueFd Parameters::take(std::string_view field, const json::value& index) {
    if (!index.is_int64() || index.as_int64() < 0 || descriptors_ == nullptr ||
        static_cast<std::size_t>(index.as_int64()) >= descriptors_->size()) {
        fault(field, "names no descriptor of this message");
        return {};
    }
    UniqueFd descriptor = std::move((*descriptors_)[static_cast<std::size_t>(index.as_int64())]);
    if (!descriptor) fault(field, "names a descriptor that another field named");
    return descriptor;
}

UniqueFd Parameters::optional_descriptor(std::string_view field) {
    const json::value* value = find(field, false);
    if (value == nullptr) return {};
    return take(field, *value);
}

UniqueFd Parameters::descriptor(std::string_view field) {
    find(field, true);
    return optional_descriptor(field);
}

std::vector<UniqueFd> Parameters::descriptors(std::string_view field, std::size_t most) {
    const json::value* value = find(field, true);
    std::vector<UniqueFd> taken;
    if (value == nullptr) return taken;
    if (!value->is_array() || value->as_array().size() > most) {
        fault(field, "is not an array of that size");
        return taken;
    }
    for (const json::value& element : value->as_array()) taken.push_back(take(field, element));
    return taken;
}

Result<void> Parameters::finish_loosely() {
    if (error_) return *error_;
    return {};
}

Result<void> Parameters::finish() {
    for (const json::key_value_pair& member : object_)
        if (!known_.contains(std::string_view(member.key()))) fault(shown(member.key()), "is unknown");
    return finish_loosely();
}

}  // namespace mutual::varlink
