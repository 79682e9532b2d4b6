// SPDX-License-Identifier: Apache-2.0
// How a client's calls are authenticated: `none`, `sys`, or by Kerberos `krb5=PRINCIPAL`, `krb5i=PRINCIPAL`
// and `krb5p=PRINCIPAL`: headers, arguments too, arguments encrypted.
#pragma once

#include <rpc/auth_gss.h>
#include <rpc/rpc.h>

#include <string>

namespace mutual::interop {

struct Security {
    decltype(opaque_auth::oa_flavor) flavor = AUTH_NONE;
    rpc_gss_svc_t service = RPCSEC_GSS_SVC_NONE;
    std::string principal = {};  // that the server has to prove
};

Security read_security(const std::string& word);

// Talks to the server, with RPCSEC_GSS; the caller destroys it. Throws when that fails.
AUTH* make_auth(CLIENT* client, const Security& security);

}  // namespace mutual::interop
