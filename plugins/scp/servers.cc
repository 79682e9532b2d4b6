// SPDX-License-Identifier: Apache-2.0
#include "plugins/scp/servers.h"

#include <random>

#include "plugins/options/fold.h"
#include "plugins/scp/srv.h"

namespace mutual::scp {

Result<Servers> find_servers(const ScpOptions& options, Deadline deadline) {
    if (!options.servers.empty()) return Servers{options.servers, SourceTrust::authenticated};
    const bool tls = options.security == Security::ldaps;
    const std::string name = (tls ? "_ldaps._tcp." : "_ldap._tcp.") + options.domain;
    const auto records = lookup_srv(name, deadline);
    if (!records) return records.error();
    if (records->empty())
        return Error{Code::discovery_failed, Stage::discovery,
                     "find directory servers: no SRV records of " + name,
                     "set `servers` in the plugin's options"};
    std::random_device device;
    const auto random = [&device](std::uint32_t most) {
        return std::uniform_int_distribution(0U, most)(device);
    };
    Servers servers{{}, SourceTrust::unauthenticated};
    for (const auto& record : ordered(*records, random)) {
        if (!is_dns_name(record.target)) continue;
        servers.urls.push_back((tls ? "ldaps://" : "ldap://") +
                               std::string(options::without_final_dot(record.target)) + ":" +
                               std::to_string(record.port));
    }
    return servers;
}

std::string with_port(const std::string& url, std::uint16_t port) {
    const auto host = url.find("://") + 3;
    const auto bracket = url.find(']', host);
    const auto colon = url.find(':', bracket == url.npos ? host : bracket);
    return url.substr(0, colon) + ":" + std::to_string(port);
}

}  // namespace mutual::scp
