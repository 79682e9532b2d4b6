// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/configuration.h"

#include <algorithm>

namespace mutual::config {
namespace {

template <class Map>
const typename Map::mapped_type* find(const Map& map, std::string_view name) {
    const auto found = map.find(name);
    return found == map.end() ? nullptr : &found->second;
}

std::optional<std::string> matching(const std::vector<PrincipalPattern>& patterns, const char* kind,
                                    const PrincipalParts& principal) {
    for (const PrincipalPattern& pattern : patterns)
        if (matches(pattern, principal)) return kind + pattern.text;
    return std::nullopt;
}

}  // namespace

std::string to_string(const Location& location) {
    if (location.line == 0) return location.file.empty() ? "built in" : location.file;
    return location.file + ":" + std::to_string(location.line) + ":" + std::to_string(location.column);
}

std::optional<std::string> allows(const Allow& allow, std::string_view principal) {
    const auto parts = parse_principal(principal);
    if (!parts) return std::nullopt;
    if (auto found = matching(allow.principals, "principal ", *parts)) return found;
    if (std::find(allow.realms.begin(), allow.realms.end(), parts->realm) != allow.realms.end())
        return "realm " + parts->realm;
    return matching(allow.patterns, "pattern ", *parts);
}

const Identity* Configuration::identity(std::string_view name) const { return find(identities, name); }
const Plugin* Configuration::plugin(std::string_view name) const { return find(plugins, name); }
const Service* Configuration::service(std::string_view name) const { return find(services, name); }

Protection Configuration::protection(std::string_view transport) const {
    const Plugin* found = plugin(transport);
    return found == nullptr ? Protection::stream : found->protection;
}

}  // namespace mutual::config
