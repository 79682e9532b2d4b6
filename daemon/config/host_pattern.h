// SPDX-License-Identifier: Apache-2.0
// Host names that an administrator lists: a whole name, or ".apps.example.org" for every name below that
// domain.
#pragma once

#include <string>
#include <string_view>

#include "mutual/error.h"

namespace mutual::config {

struct HostPattern {
    std::string text;    // as written
    std::string name;    // in lower case, without a leading or trailing dot
    bool below = false;  // matches what lies below `name`, and not `name` itself
    bool operator==(const HostPattern&) const = default;
};

// Letters, digits, "-", "_" and dots; no empty label, no "*", no address with a leading dot.
Result<HostPattern> parse_host_pattern(std::string_view text);

// ASCII case and one trailing dot do not matter.
bool matches(const HostPattern& pattern, std::string_view host);

}  // namespace mutual::config
