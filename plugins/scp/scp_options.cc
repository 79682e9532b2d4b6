// SPDX-License-Identifier: Apache-2.0
#include "plugins/scp/scp_options.h"

#include "plugins/options/options.h"
#include "plugins/scp/filter.h"

namespace mutual::scp {
namespace {

// "ldap://host" or "ldap://host:port", nothing else: no path, no list.
bool is_server(std::string_view url, Security security) {
    const std::string_view scheme = security == Security::ldaps ? "ldaps://" : "ldap://";
    if (!url.starts_with(scheme)) return false;
    url.remove_prefix(scheme.size());
    return !url.empty() && url.find_first_of("/?# ,@\\") == url.npos && url.front() != ':';
}

void check(const ScpOptions& options, options::Reader& reader) {
    for (const auto& url : options.servers)
        if (!is_server(url, options.security))
            reader.fault("servers", "must hold only ldap://HOST[:PORT], or ldaps:// with security \"ldaps\"");
    if (options.servers.empty() == options.domain.empty())
        reader.fault("servers", "or `domain` is required, and not both");
    if (!options.base.empty() && !is_distinguished_name(options.base))
        reader.fault("base", "must be a distinguished name");
}

}  // namespace

Result<ScpOptions> parse_options(std::string_view json) {
    const auto object = options::parse(json);
    if (!object) return object.error();
    options::Reader reader(*object);
    ScpOptions options;
    options.servers = reader.texts("servers", 16);
    options.domain = reader.text("domain", 253);
    options.base = reader.text("base");
    options.global_catalog_port =
        static_cast<std::uint16_t>(reader.number("global_catalog_port", 1, 65535).value_or(0));
    options.security = static_cast<Security>(reader.choice("security", {"gssapi", "ldaps"}, 0));
    if (auto file = reader.text("ca_file"); !file.empty()) options.ca_file = std::move(file);
    options.page_size = static_cast<int>(reader.number("page_size", 1, 1000).value_or(options.page_size));
    options.ttl_seconds =
        static_cast<std::uint32_t>(reader.number("ttl_seconds", 0, 86400).value_or(options.ttl_seconds));
    check(options, reader);
    if (auto finished = reader.finish(); !finished) return finished.error();
    return options;
}

}  // namespace mutual::scp
