// SPDX-License-Identifier: Apache-2.0
// The options of the scp plugin, [plugin.scp.options].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mutual/error.h"

namespace mutual::scp {

enum class Security : std::uint8_t {
    gssapi,  // SASL GSSAPI with the search identity's ticket, at least integrity-protected
    ldaps,   // TLS from the first octet, certificate checked; with a ticket, SASL GSSAPI inside
};

struct ScpOptions {
    std::vector<std::string> servers;  // "ldap://dc.mutual.test[:port]" (ldaps:// with ldaps); tried in turn
    std::string domain;                // without `servers`: they are the SRV records of _ldap._tcp.DOMAIN
    std::string base;                  // where the search begins; empty: as the server's root entry says
    std::uint16_t global_catalog_port =
        0;  // 3268 or 3269: the first step asks there; 0: at the servers themselves
    Security security = Security::gssapi;
    std::string ca_file = "/etc/ssl/certs/ca-certificates.crt";
    int page_size = 500;
    std::uint32_t ttl_seconds = 60;  // how long what was found may be kept
};

Result<ScpOptions> parse_options(std::string_view json);

}  // namespace mutual::scp
