// SPDX-License-Identifier: Apache-2.0
// The search filter for a query (RFC 4515). Every value goes through libldap's escaper; nothing from the
// query can change the filter's shape (FT-054).
#pragma once

#include <string>
#include <string_view>

#include "mutual/discovery.h"

namespace mutual::scp {

// `with_class`: narrow by serviceClassName too, which a global catalog does not hold (SCP-33). Host is not in
// the filter: it is not indexed, and is compared after the second step.
Result<std::string> search_filter(const Query& query, bool with_class);

// For a value of any octets.
Result<std::string> escaped(std::string_view value);

// An LDAPv3 distinguished name (RFC 4514), not empty.
bool is_distinguished_name(const std::string& text);

}  // namespace mutual::scp
