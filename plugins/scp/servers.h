// SPDX-License-Identifier: Apache-2.0
// Which directory servers to ask, in which order, and how far that can be trusted.
#pragma once

#include <string>
#include <vector>

#include "mutual/discovery.h"
#include "plugins/scp/scp_options.h"

namespace mutual::scp {

struct Servers {
    std::vector<std::string> urls;
    // A server that plain DNS named proves only that it has *some* ldap/ key of the realm, which a rogue may
    // have: what it says is worth no more than DNS.
    SourceTrust trust = SourceTrust::authenticated;
};

// From the options, or the SRV records of _ldap._tcp.DOMAIN (SCP-35), which may block.
Result<Servers> find_servers(const ScpOptions& options, Deadline deadline);

// The same server's global catalog.
std::string with_port(const std::string& url, std::uint16_t port);

}  // namespace mutual::scp
