// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/kerberos_profile.h"

#include "daemon/unit/krb5_conf.h"

namespace mutual::plugin {

Result<void> take_names_as_written() {
    return unit::overrule_krb5_conf(
        "[libdefaults]\n"
        "    dns_canonicalize_hostname = false\n"
        "    rdns = false\n");
}

}  // namespace mutual::plugin
