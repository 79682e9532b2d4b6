// SPDX-License-Identifier: Apache-2.0
// Kerberos principals that an administrator lists: whole ones, or patterns in which "*" stands for any text
// within one component (never across "/" or "@", and never in the realm). Always anchored at both ends.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mutual/error.h"
#include "mutual/spn.h"

namespace mutual::config {

// One component: its literal pieces, with a "*" between each two. A single piece: no "*".
using ComponentPattern = std::vector<std::string>;

struct PrincipalPattern {
    std::string text;  // as written
    std::vector<ComponentPattern> components;
    std::string realm;
    bool is_exact() const;
    bool operator==(const PrincipalPattern&) const = default;
};

// "\" escapes the next character, as in libkrb5's text form; "\*" is a literal star. Components and realm
// must not be empty, and "*" must not stand in the realm.
Result<PrincipalPattern> parse_principal_pattern(std::string_view text);

// Octet by octet: Kerberos names are case-sensitive.
bool matches(const PrincipalPattern& pattern, const PrincipalParts& principal);

}  // namespace mutual::config
