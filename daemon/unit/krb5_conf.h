// SPDX-License-Identifier: Apache-2.0
// What a program of ours decides for itself, whatever the host's krb5.conf says.
#pragma once

#include <string_view>

#include "mutual/error.h"

namespace mutual::unit {

// `text` as it would stand in krb5.conf; where both set a value, it decides. To be called once, before
// anything of Kerberos is used. Changes KRB5_CONFIG of this process. Errors: internal.
Result<void> overrule_krb5_conf(std::string_view text);

}  // namespace mutual::unit
