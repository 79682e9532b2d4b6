// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/checks.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <array>

#include "daemon/config/nearest.h"
#include "daemon/unit/text.h"
#include "mutual/spn.h"

namespace mutual::config {
namespace {

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

template <class Map>
std::vector<std::string> keys(const Map& map) {
    std::vector<std::string> names;
    names.reserve(map.size());
    for (const auto& [name, value] : map) names.push_back(name);
    return names;
}

template <class Map>
Error unknown(const char* kind, const std::string& name, const Map& map) {
    return wrong(std::string("there is no ") + kind + " " + unit::shown(name), suggestion(name, keys(map)));
}

}  // namespace

Error wrong(std::string message, std::string hint) {
    return {Code::invalid_configuration, Stage::request, std::move(message), std::move(hint)};
}

Result<void> check_name(const std::string& name) {
    const auto is_good = [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.'; };
    if (!name.empty() && name.size() <= 64 && is_letter_or_digit(name.front()) &&
        std::all_of(name.begin(), name.end(), is_good))
        return {};
    return wrong(
        "a name has 1 to 64 letters, digits, \"-\", \"_\" and \".\", and begins with a letter or digit");
}

Result<void> check_absolute_path(const std::string& path) {
    if (path.starts_with('/') && path.find('\0') == std::string::npos) return {};
    return wrong("must be an absolute path, is " + unit::shown(path));
}

Result<void> check_socket_path(const std::string& path) {
    if (path.size() >= sizeof(sockaddr_un::sun_path)) return wrong("is too long for a socket's path");
    return check_absolute_path(path);
}

Result<void> check_realm(const std::string& realm) {
    const auto is_good = [](char c) {
        return c > ' ' && c < 0x7f && c != '/' && c != '@' && c != '\\' && c != '*';
    };
    if (!realm.empty() && std::all_of(realm.begin(), realm.end(), is_good)) return {};
    return wrong("is not a Kerberos realm: " + unit::shown(realm), R"(write it as in "EXAMPLE.ORG")");
}

Result<void> check_service_class(const std::string& service_class) {
    const auto text = to_text(Spn{service_class, "host", 0, "", ""});
    if (text) return {};
    return wrong("is not an SPN class: " + text.error().message, text.error().hint);
}

Result<void> check_not_empty(const std::string& text) {
    if (!text.empty()) return {};
    return wrong("must not be empty");
}

Result<void> check_principal(const std::string& principal) {
    const auto pattern = parse_principal_pattern(principal);
    if (!pattern) return pattern.error();
    if (pattern->is_exact()) return {};
    return wrong("principal " + unit::shown(principal) + " holds a \"*\"", "move it to `patterns`");
}

Result<void> check_address(const std::string& address) {
    std::array<unsigned char, sizeof(in6_addr)> binary{};
    if (::inet_pton(AF_INET, address.c_str(), binary.data()) == 1) return {};
    if (::inet_pton(AF_INET6, address.c_str(), binary.data()) == 1) return {};
    return wrong("is not a numeric address: " + unit::shown(address),
                 R"(as in "::", "0.0.0.0", "192.0.2.7")");
}

Result<void> check_identity(const Configuration& configuration, const std::string& name) {
    if (configuration.identity(name) != nullptr) return {};
    return unknown("identity", name, configuration.identities);
}

Result<void> check_plugin(const Configuration& configuration, PluginKind kind, const std::string& name) {
    const char* kind_name = kind == PluginKind::discovery ? "discovery plugin" : "transport plugin";
    std::map<std::string, Plugin> of_kind;
    for (const auto& [each, plugin] : configuration.plugins)
        if (plugin.kind == kind) of_kind.emplace(each, plugin);
    const auto found = of_kind.find(name);
    if (found == of_kind.end()) return unknown(kind_name, name, of_kind);
    if (!found->second.enabled)
        return wrong(std::string(kind_name) + " " + unit::shown(name) + " is disabled");
    return {};
}

Result<void> check_service(const Configuration& configuration, const std::string& name) {
    if (configuration.service(name) != nullptr) return {};
    return unknown("service", name, configuration.services);
}

}  // namespace mutual::config
