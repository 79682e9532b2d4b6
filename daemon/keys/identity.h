// SPDX-License-Identifier: Apache-2.0
// Whose credentials a request uses: what the broker asks for, made into a ticket source that it may have.
#pragma once

#include <string>

#include "daemon/keys/fetcher_pool.h"
#include "daemon/keys/requests.h"
#include "varlink/unique_fd.h"

namespace mutual::keys {

struct IdentityRules {
    std::string api_socket = "/run/mutuald/mutuald.sock";
    std::string host_keytab = "/etc/krb5.keytab";
};

// Of kinds keytab and host. Nothing is checked.
Source keytab_source_of(const Identity& identity, const IdentityRules& rules);

// For kind caller, `caller` is the caller's API connection: it must be one that the API socket accepted, and
// the kernel says whose. It is closed here in any case.
Result<Source> source_of(const Identity& identity, UniqueFd caller, const IdentityRules& rules);

}  // namespace mutual::keys
