// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/host_pattern.h"

#include <algorithm>

#include "daemon/unit/text.h"

namespace mutual::config {
namespace {

std::string lower_case(std::string_view text) {
    std::string out{text};
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == ':';
}

std::string_view without_final_dot(std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    return name;
}

}  // namespace

Result<HostPattern> parse_host_pattern(std::string_view text) {
    const auto refuse = [&](const char* why, const char* hint) {
        return Error{Code::invalid_configuration, Stage::request,
                     "host name " + unit::shown(text) + " " + why, hint};
    };
    if (text.find('*') != std::string_view::npos)
        return refuse("holds a \"*\"", R"(write ".example.org" for every name below example.org)");
    HostPattern pattern{std::string(text), lower_case(without_final_dot(text)), text.starts_with('.')};
    if (pattern.below) pattern.name.erase(0, 1);
    if (pattern.name.empty() || pattern.name.size() > 253) return refuse("is empty or too long", "");
    if (!std::all_of(pattern.name.begin(), pattern.name.end(), is_name_character))
        return refuse("holds a character that no host name has", "write a DNS name");
    if (pattern.name.front() == '.' || pattern.name.back() == '.' ||
        pattern.name.find("..") != std::string::npos)
        return refuse("has an empty label", "");
    return pattern;
}

bool matches(const HostPattern& pattern, std::string_view host) {
    const std::string name = lower_case(without_final_dot(host));
    if (!pattern.below) return name == pattern.name;
    return name.size() > pattern.name.size() + 1 && name.ends_with(pattern.name) &&
           name[name.size() - pattern.name.size() - 1] == '.';
}

}  // namespace mutual::config
